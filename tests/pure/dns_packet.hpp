// SPDX-License-Identifier: GPL-2.0-or-later
// Packets that carry DNS between 192.0.2.1:40000 and its resolver, 192.0.2.53:53.
#pragma once

#include <cstring>

#include "bpf/wire.h"
#include "dns_builder.hpp"

namespace doorward::test {

inline Bytes v4_header(std::uint8_t protocol, std::size_t length, bool inbound) {
    Bytes out{0x45, 0};
    put16(out, static_cast<std::uint32_t>(20 + length));
    put32(out, 0);
    out.insert(out.end(), {64, protocol, 0, 0});
    put(out, address_bytes(inbound ? "192.0.2.53" : "192.0.2.1"));
    put(out, address_bytes(inbound ? "192.0.2.1" : "192.0.2.53"));
    return out;
}

inline void put_ports(Bytes& out, bool inbound, std::uint16_t local = 40000) {
    put16(out, inbound ? 53 : local);
    put16(out, inbound ? local : 53);
}

inline Bytes udp_packet(const Bytes& payload, bool inbound = false) {
    Bytes out = v4_header(17, 8 + payload.size(), inbound);
    put_ports(out, inbound);
    put16(out, static_cast<std::uint32_t>(8 + payload.size()));
    put16(out, 0);
    put(out, payload);
    return out;
}

// `words` of options; flags 0x18 is ACK and PSH.
inline Bytes tcp_packet(const Bytes& payload, bool inbound, std::uint32_t sequence,
                        std::uint32_t acknowledged, std::uint8_t flags = 0x18,
                        std::uint8_t words = 0, std::uint16_t local_port = 40000) {
    Bytes out = v4_header(6, 20u + words * 4u + payload.size(), inbound);
    put_ports(out, inbound, local_port);
    put32(out, sequence);
    put32(out, acknowledged);
    out.insert(out.end(), {static_cast<std::uint8_t>((5 + words) << 4), flags});
    put16(out, 1000);
    put32(out, 0);
    out.insert(out.end(), words * 4u, 1);
    put(out, payload);
    return out;
}

// A message as TCP carries it.
inline Bytes framed(const Bytes& message) {
    Bytes out;
    put16(out, static_cast<std::uint32_t>(message.size()));
    put(out, message);
    return out;
}

// As the kernel would write it, with `captured` bytes of the packet.
inline Bytes ring_record(const Bytes& packet, bool inbound, std::size_t captured) {
    dw_dns_packet head{};
    head.length = static_cast<dw_u32>(packet.size());
    head.captured = static_cast<dw_u16>(captured);
    head.inbound = inbound;
    Bytes out(sizeof(head));
    std::memcpy(out.data(), &head, sizeof(head));
    put(out, packet);
    return out;
}

}  // namespace doorward::test
