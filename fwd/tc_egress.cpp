// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/tc_egress.hpp"

#include <array>
#include <optional>

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr std::uint32_t first = 1;  // priority: tried before all others

// A filter's handle says whether the qdisc below it is ours too: the next daemon finds both.
constexpr std::uint32_t with_our_qdisc = 0x64770001;
constexpr std::uint32_t on_a_qdisc_found = 0x64770002;

bpf_tc_hook hook_of(std::uint32_t device, int points) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(device);
    hook.attach_point = static_cast<bpf_tc_attach_point>(points);
    return hook;
}

bpf_tc_opts filter_of(std::uint32_t handle) {
    bpf_tc_opts filter{};
    filter.sz = sizeof(filter);
    filter.handle = handle;
    filter.priority = first;
    return filter;
}

// The handle of the filter that is on the device.
std::optional<std::uint32_t> attached_handle(std::uint32_t device) {
    const bpf_tc_hook hook = hook_of(device, BPF_TC_EGRESS);
    for (const std::uint32_t handle : {with_our_qdisc, on_a_qdisc_found}) {
        bpf_tc_opts filter = filter_of(handle);
        if (bpf_tc_query(&hook, &filter) == 0) return handle;
    }
    return std::nullopt;
}

void remove_qdisc(std::uint32_t device) {
    bpf_tc_hook hook = hook_of(device, BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&hook);
}

using Route = CHandle<mnl_socket, mnl_socket_close>;

int count_filter(const nlmsghdr* message, void* count) {
    if (message->nlmsg_type == RTM_NEWTFILTER) ++*static_cast<int*>(count);
    return MNL_CB_OK;
}

// Filters on one side of clsact, whoever put them there; nothing if it can't be told.
std::optional<int> filters(std::uint32_t device, std::uint32_t side) {
    const Route route(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    if (!route || mnl_socket_bind(route.get(), 0, MNL_SOCKET_AUTOPID) < 0) return std::nullopt;
    alignas(nlmsghdr) std::array<char, 32768> buffer{};
    nlmsghdr* ask = mnl_nlmsg_put_header(buffer.data());
    ask->nlmsg_type = RTM_GETTFILTER;
    ask->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* which = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(ask, sizeof(tcmsg)));
    which->tcm_ifindex = static_cast<int>(device);
    which->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
    if (mnl_socket_sendto(route.get(), ask, ask->nlmsg_len) < 0) return std::nullopt;
    int count = 0;
    for (;;) {
        const auto length = mnl_socket_recvfrom(route.get(), buffer.data(), buffer.size());
        if (length < 0) return std::nullopt;
        const int more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), 0,
                                    mnl_socket_get_portid(route.get()), count_filter, &count);
        if (more < 0) return std::nullopt;
        if (more == MNL_CB_STOP) return count;
    }
}

}  // namespace

Result<void> attach_tc_egress(std::uint32_t device, int program_fd) {
    bpf_tc_hook hook = hook_of(device, BPF_TC_EGRESS);
    const int made = bpf_tc_hook_create(&hook);
    if (made != 0 && made != -EEXIST) return sys_fail("add a clsact qdisc", -made);
    const auto before = attached_handle(device);
    bpf_tc_opts filter = filter_of(before.value_or(made == 0 ? with_our_qdisc : on_a_qdisc_found));
    filter.prog_fd = program_fd;
    filter.flags = BPF_TC_F_REPLACE;
    const int error = bpf_tc_attach(&hook, &filter);
    if (error == 0) return {};
    if (made == 0) remove_qdisc(device);
    return sys_fail("attach to tc egress", -error);
}

Result<void> detach_tc_egress(std::uint32_t device) {
    const auto handle = attached_handle(device);
    if (!handle) return {};
    const bpf_tc_hook hook = hook_of(device, BPF_TC_EGRESS);
    const bpf_tc_opts filter = filter_of(*handle);
    if (const int error = bpf_tc_detach(&hook, &filter); error != 0)
        return sys_fail("detach from tc egress", -error);
    if (*handle == with_our_qdisc && filters(device, TC_H_MIN_EGRESS) == 0 &&
        filters(device, TC_H_MIN_INGRESS) == 0)
        remove_qdisc(device);
    return {};
}

}  // namespace doorward
