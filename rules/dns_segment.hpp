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
    std::uint32_t sequence = 0;             // TCP: number of the first byte of `payload`
    std::uint32_t acknowledged = 0;         // TCP: number of the byte that is expected next
    std::span<const std::uint8_t> payload;  // into the bytes given
};

// `bytes` starts at the IP header and must hold all of the packet. Nothing for other protocols,
// fragments, IPv6 extension headers, a TCP segment that opens a connection or carries no data.
std::optional<Segment> parse_segment(std::span<const std::uint8_t> bytes);

}  // namespace doorward
