// SPDX-License-Identifier: GPL-2.0-or-later
// Two network namespaces joined by a veth pair, and sockets in them. Both namespaces are nameless:
// they are gone with the last descriptor, however the test ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "fwd/handle.hpp"

namespace doorward::test {

enum class Side : std::uint8_t { here, peer };

// Where packets are counted exactly, IPv6 is in the way: the kernel sends membership reports when
// it likes.
enum class Families : std::uint8_t { v4, both };

// The calling thread is moved `here`, with addresses .1 and ::1; the peer has .2 and ::2.
class NetPair {
public:
    explicit NetPair(Families families = Families::both);

    void enter(Side side) const;
    std::string address(int family, Side side) const;  // family: AF_INET or AF_INET6

private:
    Fd peer_;
    Fd here_;  // made last: there the thread stays
};

// Runs a shell command in the calling thread's namespace. Throws if it fails; returns its output.
std::string run(const std::string& command);

// A TCP listener, or a UDP socket that receives, on any address. In the calling thread's namespace.
Fd listener(int family, std::uint16_t port);
Fd receiver(int family, std::uint16_t port);

struct Peer {
    int family;
    std::string address;
    std::uint16_t port;
};

// A socket that is connecting (TCP) or connected (UDP). `mark`: set with SO_MARK.
Fd tcp_to(const Peer& peer, std::uint32_t mark = 0);
Fd udp_to(const Peer& peer, std::uint32_t mark = 0);

// The errno with which the connection ended up, 0 for success, ETIMEDOUT if neither happened.
int connected(const Fd& socket, int timeout_ms);
int pending_error(const Fd& socket, int timeout_ms);

Fd accepted(const Fd& listener, int timeout_ms);  // none on time-out

bool send_text(const Fd& socket, const std::string& text);
// How many datagrams (UDP) or bytes (TCP) come in until `wanted` are there or time is over.
std::size_t datagrams(const Fd& socket, std::size_t wanted, int timeout_ms);
std::size_t bytes(const Fd& socket, std::size_t wanted, int timeout_ms);

}  // namespace doorward::test
