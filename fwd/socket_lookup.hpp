// SPDX-License-Identifier: GPL-2.0-or-later
// Which socket would the kernel give an arriving packet to? Asked of the kernel (sock_diag), since
// only its own look-up knows SO_REUSEPORT groups, dual-stack sockets, bound devices and the like.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "fwd/mnl_socket.hpp"
#include "rules/flow.hpp"

namespace doorward {

// The cookies (SO_COOKIE, never reused) of sockets for packets to `flow.local`. Replaced in tests.
class SocketLookup {
public:
    virtual ~SocketLookup() = default;

    // The socket that gets the packet: one connected to the remote if there is one, else one that
    // listens or is bound. `interface`: ifindex the packet came in by, 0 for none.
    virtual std::optional<std::uint64_t> receiver(const Flow& flow, std::uint32_t interface) = 0;

    // TCP: the listening socket, whatever connections there are.
    virtual std::optional<std::uint64_t> listener(const Flow& flow, std::uint32_t interface) = 0;

    // TCP: whether the receiver itself asked to be connected to the remote, and waits for the answer.
    virtual bool connects(const Flow& flow, std::uint32_t interface) = 0;

    // UDP to a multicast or broadcast address: every socket that may get a copy. Nothing: more than most_of_group, or
    // the kernel did not tell all.
    static constexpr std::size_t most_of_group = 64;
    virtual std::optional<std::vector<std::uint64_t>> group_receivers(const Flow& flow) = 0;
};

// Whether the packet may be delivered to several sockets: multicast and 255.255.255.255. A directed
// broadcast is not known as such here: the table marks it.
bool goes_to_group(const Flow& flow);

// Owns a netlink socket in the network namespace of the thread that opened it. Not thread-safe. Two
// system calls a question; no answer counts as no socket.
class SockDiag final : public SocketLookup {
public:
    static Result<SockDiag> open();

    std::optional<std::uint64_t> receiver(const Flow& flow, std::uint32_t interface) override;
    std::optional<std::uint64_t> listener(const Flow& flow, std::uint32_t interface) override;
    bool connects(const Flow& flow, std::uint32_t interface) override;
    std::optional<std::vector<std::uint64_t>> group_receivers(const Flow& flow) override;

    // Closes the TCP or UDP socket that is connected to the flow's remote end: its program gets
    // ECONNABORTED (tcp_abort, udp_abort), and TCP tells the other end. A socket that serves others too is left alone. Errors say
    // why nothing was closed.
    Result<void> close_connected(const Flow& flow);

private:
    explicit SockDiag(MnlSocket socket) : socket_(std::move(socket)) {}

    // False: the kernel did not tell all.
    bool add_receivers(std::vector<std::uint64_t>& cookies, const Flow& flow, int family);

    MnlSocket socket_;
    std::uint32_t sequence_ = 0;
    std::map<std::uint16_t, std::uint64_t> crowded_;  // ports that had too many sockets; CLOCK_MONOTONIC, until when
};

}  // namespace doorward
