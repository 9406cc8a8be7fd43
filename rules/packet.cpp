// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/packet.hpp"

#include <algorithm>
#include <cstddef>

namespace doorward {
namespace {

constexpr std::size_t v4_header_min = 20;
constexpr std::size_t v6_header = 40;
constexpr int max_extension_headers = 16;

// A packet's bytes with two ends: where the IP header says the packet ends, and where the bytes do.
// A field beyond the first is a contradiction, one beyond the second only was not delivered.
class Bytes {
public:
    Bytes(std::span<const std::uint8_t> bytes, std::size_t claimed)
        : bytes_(bytes), claimed_(claimed) {}

    PacketError need(std::size_t offset, std::size_t count) const {
        if (offset + count > claimed_) return PacketError::malformed;
        if (offset + count > bytes_.size()) return PacketError::truncated;
        return PacketError::none;
    }

    // Callers have asked need(); 0 beyond the end keeps a mistake there harmless.
    std::uint8_t u8(std::size_t offset) const {
        return offset < bytes_.size() ? bytes_[offset] : std::uint8_t{0};
    }
    std::uint16_t u16(std::size_t offset) const {
        return static_cast<std::uint16_t>(u8(offset) << 8 | u8(offset + 1));
    }

    std::size_t claimed() const { return claimed_; }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t claimed_;
};

// Where the IP header leads to.
struct Transport {
    std::size_t offset = 0;
    bool fragment = false;  // the first of several: its own length says nothing about the whole
};

// The options of a SYN, as Linux reads them: up to the first that makes no sense. RFC 8684 has MP_JOIN.
bool joins(const Bytes& bytes, std::size_t at, std::size_t end) {
    constexpr std::uint8_t end_of_options = 0, no_operation = 1, mptcp = 30, mp_join = 1;
    while (at < end) {
        const std::uint8_t kind = bytes.u8(at);
        if (kind == end_of_options) return false;
        if (kind == no_operation) {
            ++at;
            continue;
        }
        const std::size_t size = at + 1 < end ? bytes.u8(at + 1) : 0;
        if (size < 2 || at + size > end) return false;
        if (kind == mptcp && size > 2 && bytes.u8(at + 2) >> 4 == mp_join) return true;
        at += size;
    }
    return false;
}

PacketError parse_tcp(const Bytes& bytes, std::size_t at, Packet& packet) {
    if (const auto error = bytes.need(at, 20); error != PacketError::none) return error;
    const std::size_t header = static_cast<std::size_t>(bytes.u8(at + 12) >> 4) * 4;
    if (header < 20 || at + header > bytes.claimed()) return PacketError::malformed;
    constexpr std::uint8_t syn = 0x02, ack = 0x10;
    packet.tcp_syn = (bytes.u8(at + 13) & (syn | ack)) == syn;
    if (!packet.tcp_syn) return PacketError::none;
    if (const auto error = bytes.need(at, header); error != PacketError::none) return error;
    packet.tcp_joins = joins(bytes, at + 20, at + header);
    return PacketError::none;
}

PacketError parse_udp(const Bytes& bytes, const Transport& transport) {
    const std::size_t at = transport.offset;
    if (const auto error = bytes.need(at, 8); error != PacketError::none) return error;
    const std::size_t length = bytes.u16(at + 4);
    if (length < 8) return PacketError::malformed;
    if (!transport.fragment && at + length > bytes.claimed()) return PacketError::malformed;
    return PacketError::none;
}

PacketError parse_udplite(const Bytes& bytes, std::size_t at) {
    if (const auto error = bytes.need(at, 8); error != PacketError::none) return error;
    const std::uint16_t coverage = bytes.u16(at + 4);  // of the checksum; 0: all (RFC 3828)
    return coverage != 0 && coverage < 8 ? PacketError::malformed : PacketError::none;
}

PacketError parse_icmp(const Bytes& bytes, std::size_t at, Packet& packet) {
    if (const auto error = bytes.need(at, 1); error != PacketError::none) return error;
    packet.icmp_type = bytes.u8(at);
    // Both headers are 8 bytes long, whatever the type (RFC 792, RFC 4443: 4 and a body).
    if (const auto error = bytes.need(at, 8); error != PacketError::none) return error;
    const bool echo = packet.protocol == Protocol::icmp
                          ? packet.icmp_type == 8 || packet.icmp_type == 0 ||
                                packet.icmp_type == 42 || packet.icmp_type == 43
                          : packet.icmp_type == 128 || packet.icmp_type == 129 ||
                                packet.icmp_type == 160 || packet.icmp_type == 161;
    if (echo) {
        packet.source_port = bytes.u16(at + 4);
        packet.ports_known = true;
    }
    return PacketError::none;
}

bool has_ports(Protocol protocol) {
    return protocol == Protocol::tcp || protocol == Protocol::udp ||
           protocol == Protocol::udplite || protocol == Protocol::sctp;
}

PacketError parse_transport(const Bytes& bytes, const Transport& transport, Packet& packet) {
    const std::size_t at = transport.offset;
    if (has_ports(packet.protocol)) {
        if (const auto error = bytes.need(at, 4); error != PacketError::none) return error;
        packet.source_port = bytes.u16(at);
        packet.destination_port = bytes.u16(at + 2);
        packet.ports_known = true;
    }
    switch (packet.protocol) {
        case Protocol::tcp: return parse_tcp(bytes, at, packet);
        case Protocol::udp: return parse_udp(bytes, transport);
        case Protocol::udplite: return parse_udplite(bytes, at);
        case Protocol::sctp: return bytes.need(at, 12);
        case Protocol::icmp:
        case Protocol::icmpv6: return parse_icmp(bytes, at, packet);
    }
    return PacketError::none;  // a protocol without ports; its content does not matter here
}

ParsedPacket parse_v4(std::span<const std::uint8_t> data) {
    ParsedPacket out;
    if (data.size() < v4_header_min) return {{}, PacketError::truncated};
    out.packet.source = Address::v4(data.subspan<12, 4>());
    out.packet.destination = Address::v4(data.subspan<16, 4>());
    out.packet.protocol = static_cast<Protocol>(data[9]);

    const std::size_t header = static_cast<std::size_t>(data[0] & 0x0f) * 4;
    const std::size_t told = static_cast<std::size_t>(data[2] << 8 | data[3]);
    // 0 is how the kernel marks sends above 64 KB that the device will cut up (IPv4 BIG TCP).
    const Bytes bytes(data, told == 0 ? data.size() : told);
    if (header < v4_header_min) return {out.packet, PacketError::malformed};
    out.error = bytes.need(0, header);
    if (out.error != PacketError::none) return out;

    const std::uint16_t fragment = bytes.u16(6);
    constexpr std::uint16_t offset_bits = 0x1fff, more_bit = 0x2000;
    if (fragment & offset_bits) return out;  // a later fragment: the ports went with the first
    out.error = parse_transport(bytes, {header, (fragment & more_bit) != 0}, out.packet);
    return out;
}

enum class Extension : std::uint8_t {
    hop_by_hop = 0,
    routing = 43,
    fragment = 44,
    authentication = 51,
    destination = 60,
};

// The headers that Linux steps over to find the transport, and only those. Conntrack sees a
// mobility or HIP header as a protocol of its own, without ports; to look behind it here would let
// one decision about the ports there accept all of them.
bool is_extension(Protocol next) {
    switch (static_cast<Extension>(next)) {
        case Extension::hop_by_hop:
        case Extension::routing:
        case Extension::fragment:
        case Extension::authentication:
        case Extension::destination: return true;
    }
    return false;
}

std::size_t extension_size(Extension kind, std::uint8_t length_field) {
    if (kind == Extension::fragment) return 8;
    if (kind == Extension::authentication) return (length_field + std::size_t{2}) * 4;
    return (length_field + std::size_t{1}) * 8;
}

// Steps over extension headers; sets packet.protocol to what follows them. `later` is set for a
// fragment that is not the first.
PacketError find_transport(const Bytes& bytes, Packet& packet, Transport& transport, bool& later) {
    transport.offset = v6_header;
    for (int count = 0; is_extension(packet.protocol); ++count) {
        if (count == max_extension_headers) return PacketError::malformed;
        if (const auto error = bytes.need(transport.offset, 8); error != PacketError::none)
            return error;
        const auto kind = static_cast<Extension>(packet.protocol);
        const std::size_t at = transport.offset;
        packet.protocol = static_cast<Protocol>(bytes.u8(at));
        if (kind == Extension::fragment) {
            const std::uint16_t field = bytes.u16(at + 2);
            transport.fragment = (field & 0x0001) != 0;
            later = (field & 0xfff8) != 0;
            if (later) return PacketError::none;
        }
        const std::size_t size = extension_size(kind, bytes.u8(at + 1));
        if (const auto error = bytes.need(at, size); error != PacketError::none) return error;
        transport.offset += size;
    }
    return PacketError::none;
}

ParsedPacket parse_v6(std::span<const std::uint8_t> data) {
    ParsedPacket out;
    if (data.size() < v6_header) return {{}, PacketError::truncated};
    out.packet.source = Address::v6(data.subspan<8, 16>());
    out.packet.destination = Address::v6(data.subspan<24, 16>());
    out.packet.protocol = static_cast<Protocol>(data[6]);
    // IPv4 in disguise: would be taken for the IPv4 flow of whoever really has that address.
    if (out.packet.source.is_v4() || out.packet.destination.is_v4())
        return {out.packet, PacketError::malformed};

    const std::size_t told = static_cast<std::size_t>(data[4] << 8 | data[5]);
    // 0: a jumbogram, or one of the kernel's large sends (IPv6 BIG TCP).
    const Bytes bytes(data, told == 0 ? data.size() : v6_header + told);
    Transport transport;
    bool later = false;
    out.error = find_transport(bytes, out.packet, transport, later);
    if (out.error != PacketError::none || later) return out;
    out.error = parse_transport(bytes, transport, out.packet);
    return out;
}

}  // namespace

ParsedPacket parse_packet(std::span<const std::uint8_t> bytes) {
    if (bytes.empty()) return {{}, PacketError::truncated};
    switch (bytes[0] >> 4) {
        case 4: return parse_v4(bytes);
        case 6: return parse_v6(bytes);
        default: return {{}, PacketError::malformed};
    }
}

}  // namespace doorward
