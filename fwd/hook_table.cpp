// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/hook_table.hpp"

#include <fmt/format.h>

#include <deque>
#include <string>
#include <vector>

namespace doorward {
namespace {

// The kernel's functions that programs send by.
struct Call {
    std::string_view function;
    std::string_view consequence;  // as of a Hook
    bool each_datagram = false;
};

constexpr Call calls[] = {
    {"tcp_v4_connect", {}},
    {"tcp_connect", {}},
    {"security_socket_sendmsg", {}, true},
    {"udp_sendmsg", {}, true},
    {"tcp_v6_connect", "the latency of IPv6 connects is counted from a later point"},
    {"inet_csk_accept", "a port that is handed to another process keeps the name of the one who opened it"},
    {"udpv6_sendmsg", "senders of IPv6 datagrams stay unknown where the table can't ask for them", true},
    {"ping_v4_sendmsg", "senders of IPv4 echo requests from ping sockets stay unknown"},
    {"ping_v6_sendmsg", "senders of IPv6 echo requests from ping sockets stay unknown"},
    {"raw_sendmsg", "senders on IPv4 raw sockets stay unknown"},
    {"rawv6_sendmsg", "senders on IPv6 raw sockets stay unknown"},
    {"security_ptrace_access_check",
     "injected: tracer is said only while a debugger has the process, or since it was started"},
};

constexpr std::string_view unnamed_listeners = "servers that listen without having bound a port have no name";

// Kprobes can't do what these do.
constexpr Call fentry_calls[] = {{"inet_csk_listen_start", unnamed_listeners}};

constexpr Hook beside_kprobes[] = {
    {"sockops_listen", HookKind::cgroup, "sockops TCP_LISTEN", unnamed_listeners},
};

constexpr Hook cgroup_set[] = {
    {"sockops_tcp", HookKind::cgroup, "sockops TCP_CONNECT", {}},
    {"cgroup_sendmsg4", HookKind::cgroup, "cgroup sendmsg4", {}, true},
    {"cgroup_sendmsg6", HookKind::cgroup, "cgroup sendmsg6", {}, true},
    {"exit_disinherits", HookKind::tracepoint, "tracepoint sched_process_exit",
     "a port that two programs had open stays ambiguous when one of them has ended"},
};

// First of all: what is bound afterwards finds its program there.
constexpr Hook program_set[] = {
    {"program_forks", HookKind::tracepoint, "tracepoint sched_process_fork",
     "the ancestors of programs stay unknown"},
    {"program_starts", HookKind::tracepoint, "tracepoint sched_process_exec",
     "scripts and ancestors stay unknown"},
    {"program_ends", HookKind::tracepoint, "tracepoint sched_process_exit",
     "the table of running programs fills up"},
    {"scan_programs", HookKind::task_iterator, "iter task",
     "scripts and ancestors of programs older than the daemon stay unknown"},
};

constexpr Hook shared_set[] = {
    {"cgroup_post_bind4", HookKind::cgroup, "cgroup post_bind4",
     "inbound IPv4 flows are named only if their port was bound before the start"},
    {"cgroup_post_bind6", HookKind::cgroup, "cgroup post_bind6",
     "inbound IPv6 flows are named only if their port was bound before the start"},
    {"cgroup_recvmsg4", HookKind::cgroup, "cgroup recvmsg4",
     "a datagram socket that is handed to another process keeps the name of the one who bound it"},
    {"cgroup_recvmsg6", HookKind::cgroup, "cgroup recvmsg6",
     "a datagram socket that is handed to another process keeps the name of the one who bound it"},
    {"cgroup_sock_release", HookKind::cgroup, "cgroup sock_release",
     "the table of receivers fills up with closed sockets: servers that start later have no name"},
    {"exec_inherits", HookKind::tracepoint, "tracepoint sched_process_exec",
     "a port that is handed to another program keeps the name of the one who opened it"},
    {"scan_sockets", HookKind::iterator, "iter task_file",
     "sockets that were open before the start stay unknown"},
    {"foreign_egress", HookKind::foreign, "cgroup_skb egress of other namespaces",
     "the senders of forwarded datagrams stay unknown"},
    {"refuse_connect4", HookKind::verdicts, "cgroup connect4, for known verdicts",
     "each IPv4 connection is denied by the daemon, and its packet is made first"},
    {"refuse_connect6", HookKind::verdicts, "cgroup connect6, for known verdicts",
     "each IPv6 connection is denied by the daemon, and its packet is made first"},
};

std::vector<Hook> join(std::initializer_list<std::span<const Hook>> sets) {
    std::vector<Hook> all;
    for (const auto& set : sets) all.insert(all.end(), set.begin(), set.end());
    return all;
}

// The programs' names are made of the hook's and the function's. Kprobes, the reference, see every call.
std::vector<Hook> hooks_on_calls(std::span<const Call> functions, HookKind kind, std::string_view hook) {
    static std::deque<std::string> names;  // what a Hook points to stays
    std::vector<Hook> hooks;
    for (const Call& call : functions) {
        const auto& program = names.emplace_back(fmt::format("{}_{}", hook, call.function));
        const auto& point = names.emplace_back(fmt::format("{} {}", hook, call.function));
        hooks.push_back({program, kind, point, call.consequence, call.each_datagram && kind == HookKind::fentry});
    }
    return hooks;
}

}  // namespace

std::span<const Hook> hooks_of(HookChoice set) {
    static const auto fentry = join({program_set, hooks_on_calls(calls, HookKind::fentry, "fentry"),
                                     hooks_on_calls(fentry_calls, HookKind::fentry, "fentry"), shared_set});
    static const auto kprobe = join({program_set, hooks_on_calls(calls, HookKind::kprobe, "kprobe"),
                                     beside_kprobes, shared_set});
    static const auto cgroup = join({program_set, cgroup_set, shared_set});
    if (set == HookChoice::fentry) return fentry;
    return set == HookChoice::kprobe ? kprobe : cgroup;
}

std::vector<std::string> called_functions() {
    std::vector<std::string> functions;
    for (const Call& call : fentry_calls) functions.emplace_back(call.function);
    for (const Call& call : calls) functions.emplace_back(call.function);
    return functions;
}

}  // namespace doorward
