// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes of a UDP datagram or TCP segment → its ends and what it carries.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "rules/packet.hpp"

namespace doorward {

struct Segment {
    Packet packet;                          // its ends and protocol: UDP or TCP
    bool begins = false;                    // TCP: this end begins the connection
    std::uint32_t sequence = 0;             // TCP: number of the first byte of `payload`
    std::span<const std::uint8_t> payload;  // into the bytes given
};

// `bytes` starts at the IP header and must hold all of the packet. Nothing for other protocols,
// fragments, IPv6 extension headers, a TCP segment that neither begins a connection nor carries data.
std::optional<Segment> parse_segment(std::span<const std::uint8_t> bytes);

}  // namespace doorward
