// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes of an IP packet → the fields a flow is known by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rules/address.hpp"

namespace doorward {

// IP protocol numbers (IANA). Any other value may occur in a packet and is kept as it is.
enum class Protocol : std::uint8_t {
    icmp = 1,
    tcp = 6,
    udp = 17,
    icmpv6 = 58,
    sctp = 132,
    udplite = 136,
};

constexpr bool is_udp(Protocol protocol) { return protocol == Protocol::udp || protocol == Protocol::udplite; }

// "tcp", "udp", …; a number in decimal for one without a name here.
std::string protocol_name(Protocol protocol);
// Accepts the names above and a decimal number 0…255.
std::optional<Protocol> parse_protocol(std::string_view text);

struct Packet {
    Address source;
    Address destination;
    Protocol protocol{};
    // Host byte order. TCP, UDP, UDPLITE, SCTP: the ports. ICMP echo, extended echo and their
    // replies, in both directions: source_port is the identifier (what the kernel calls the port of
    // a ping socket), destination_port 0.
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t icmp_type = 0;  // ICMP and ICMPv6 only
    bool tcp_syn = false;        // SYN set and ACK clear: this packet opens a connection
    bool tcp_joins = false;      // with MP_JOIN of MPTCP: it joins one that is open, whoever listens on the port
    bool ports_known = false;    // false: protocol without ports, or a later fragment

    bool operator==(const Packet&) const = default;
};

enum class PacketError : std::uint8_t {
    none,
    truncated,   // a header is not all there: the packet is longer than what was delivered of it
    malformed,   // the packet contradicts itself: a length or version field, a header that does not
                 // fit into the length it states, IPv4 addresses in an IPv6 header
};

struct ParsedPacket {
    Packet packet;
    PacketError error = PacketError::none;

    bool operator==(const ParsedPacket&) const = default;
};

// `bytes` starts at the IP header, as NFQUEUE delivers it; it may be cut short within the payload,
// and may be longer than the packet (padding is ignored). Never reads beyond it, never allocates.
// Follows the IPv6 extension headers that Linux follows, up to a fixed count. On an error the fields
// that were read before it are filled in, so that the audit log can still say where it went.
ParsedPacket parse_packet(std::span<const std::uint8_t> bytes);

}  // namespace doorward
