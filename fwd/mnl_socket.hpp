// SPDX-License-Identifier: GPL-2.0-or-later
// A netlink socket that speaks with netfilter.
#pragma once

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include "fwd/handle.hpp"
#include "rules/result.hpp"

namespace doorward {

using MnlSocket = CHandle<mnl_socket, mnl_socket_close>;

// In the network namespace of the calling thread, closed on exec.
inline Result<MnlSocket> open_netfilter_socket() {
    MnlSocket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (!socket) return sys_fail("open a netfilter netlink socket");
    if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
        return sys_fail("bind a netfilter netlink socket");
    }
    return socket;
}

}  // namespace doorward
