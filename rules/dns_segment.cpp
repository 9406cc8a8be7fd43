// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/dns_segment.hpp"

#include <algorithm>

namespace doorward {
namespace {

std::uint32_t number(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes.subspan(at, size)) value = value << 8 | byte;
    return value;
}

constexpr std::uint8_t syn = 2;

struct Parts {
    std::size_t transport = 0;
    std::size_t end = 0;
};

// Of a packet that parse_packet has found to be sound.
std::optional<Parts> parts_of(std::span<const std::uint8_t> bytes) {
    constexpr std::size_t v6_header = 40;
    if (bytes[0] >> 4 == 4) {
        if (number(bytes, 6, 2) & 0x3fff) return std::nullopt;  // a fragment
        const std::size_t told = number(bytes, 2, 2);
        return Parts{static_cast<std::size_t>(bytes[0] & 15) * 4, told == 0 ? bytes.size() : told};
    }
    const auto next = static_cast<Protocol>(bytes[6]);
    if (next != Protocol::tcp && next != Protocol::udp) return std::nullopt;
    const std::size_t told = number(bytes, 4, 2);
    return Parts{v6_header, told == 0 ? bytes.size() : v6_header + told};
}

}  // namespace

std::optional<Segment> parse_segment(std::span<const std::uint8_t> bytes) {
    const ParsedPacket parsed = parse_packet(bytes);
    if (parsed.error != PacketError::none || !parsed.packet.ports_known) return std::nullopt;
    const auto parts = parts_of(bytes);
    if (!parts || parts->end > bytes.size()) return std::nullopt;
    Segment segment;
    segment.packet = parsed.packet;
    std::size_t start = 0, end = parts->end;
    if (segment.packet.protocol == Protocol::udp) {
        start = parts->transport + 8;
        end = std::min(end, parts->transport + number(bytes, parts->transport + 4, 2));
    } else if (segment.packet.protocol == Protocol::tcp) {
        start = parts->transport + static_cast<std::size_t>(bytes[parts->transport + 12] >> 4) * 4;
        segment.begins = (bytes[parts->transport + 13] & syn) != 0;
        if (!segment.begins && start >= end) return std::nullopt;
        segment.sequence = number(bytes, parts->transport + 4, 4) + segment.begins;  // the SYN has a number too
    } else {
        return std::nullopt;
    }
    if (start > end) return std::nullopt;
    segment.payload = bytes.subspan(start, end - start);
    return segment;
}

}  // namespace doorward
