// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/hook_table.hpp"

#include <vector>

namespace doorward {
namespace {

constexpr Hook kprobe_set[] = {
    {"kprobe_tcp_v4_connect", HookKind::kprobe, "kprobe tcp_v4_connect", {}},
    {"kretprobe_tcp_v4_connect", HookKind::kprobe, "kretprobe tcp_v4_connect", {}},
    {"kprobe_tcp_connect", HookKind::kprobe, "kprobe tcp_connect", {}},
    {"kprobe_security_socket_sendmsg", HookKind::kprobe, "kprobe security_socket_sendmsg", {}},
    {"kprobe_udp_sendmsg", HookKind::kprobe, "kprobe udp_sendmsg", {}},
    {"kprobe_tcp_v6_connect", HookKind::kprobe, "kprobe tcp_v6_connect",
     "the latency of IPv6 connects is counted from a later point"},
    {"kretprobe_tcp_v6_connect", HookKind::kprobe, "kretprobe tcp_v6_connect",
     "the latency of IPv6 connects is counted from a later point"},
    {"kprobe_inet_csk_accept", HookKind::kprobe, "kprobe inet_csk_accept",
     "a port that is handed to another process keeps the name of the one who opened it"},
    {"sockops_listen", HookKind::cgroup, "sockops TCP_LISTEN",
     "servers that listen without having bound a port have no name"},
    {"kprobe_udpv6_sendmsg", HookKind::kprobe, "kprobe udpv6_sendmsg",
     "senders of IPv6 datagrams stay unknown"},
    {"kprobe_ping_v4_sendmsg", HookKind::kprobe, "kprobe ping_v4_sendmsg",
     "senders of IPv4 echo requests from ping sockets stay unknown"},
    {"kprobe_ping_v6_sendmsg", HookKind::kprobe, "kprobe ping_v6_sendmsg",
     "senders of IPv6 echo requests from ping sockets stay unknown"},
    {"kprobe_raw_sendmsg", HookKind::kprobe, "kprobe raw_sendmsg",
     "senders on IPv4 raw sockets stay unknown"},
    {"kprobe_security_ptrace_access_check", HookKind::kprobe, "kprobe security_ptrace_access_check",
     "injected: tracer is said only while a debugger has the process, or since it was started"},
    {"kprobe_rawv6_sendmsg", HookKind::kprobe, "kprobe rawv6_sendmsg",
     "senders on IPv6 raw sockets stay unknown"},
};

constexpr Hook cgroup_set[] = {
    {"sockops_tcp", HookKind::cgroup, "sockops TCP_CONNECT", {}},
    {"cgroup_sendmsg4", HookKind::cgroup, "cgroup sendmsg4", {}},
    {"cgroup_sendmsg6", HookKind::cgroup, "cgroup sendmsg6", {}},
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
    {"dns_egress", HookKind::names, "cgroup_skb egress",
     "host names are known from the hosts file only"},
    {"dns_ingress", HookKind::names, "cgroup_skb ingress",
     "host names are known from the hosts file only"},
    {"foreign_egress", HookKind::foreign, "cgroup_skb egress of other namespaces",
     "the senders of forwarded datagrams stay unknown"},
    {"refuse_connect4", HookKind::verdicts, "cgroup connect4, for known verdicts",
     "each IPv4 connection is denied by the daemon, and its packet is made first"},
    {"refuse_connect6", HookKind::verdicts, "cgroup connect6, for known verdicts",
     "each IPv6 connection is denied by the daemon, and its packet is made first"},
};

std::vector<Hook> join(std::span<const Hook> first, std::span<const Hook> second) {
    std::vector<Hook> all(first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
}

}  // namespace

std::span<const Hook> hooks_of(HookChoice set) {
    static const std::vector<Hook> kprobe = join(program_set, join(kprobe_set, shared_set));
    static const std::vector<Hook> cgroup = join(program_set, join(cgroup_set, shared_set));
    return set == HookChoice::kprobe ? kprobe : cgroup;
}

}  // namespace doorward
