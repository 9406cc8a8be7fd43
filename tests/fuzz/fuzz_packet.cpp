// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes → parse_packet. Reads beyond the input are the sanitizer's to find; what the parser
// says about itself is checked here.
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "rules/packet.hpp"

using namespace doorward;

namespace {

void check(const Packet& packet) {
    if (!packet.ports_known) require(packet.source_port == 0 && packet.destination_port == 0);
    if (packet.tcp_syn) require(packet.protocol == Protocol::tcp && packet.ports_known);
    if (packet.tcp_joins) require(packet.tcp_syn);
    if (packet.icmp_type != 0)
        require(packet.protocol == Protocol::icmp || packet.protocol == Protocol::icmpv6);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ParsedPacket whole = parse_packet({data, size});
    check(whole.packet);
    require(whole == parse_packet({data, size}));
    for (const auto& address : {whole.packet.source, whole.packet.destination})
        require(Address::parse(address.to_string()) == address);

    // A copy cut short by half must give the same packet or an error, never another packet.
    const ParsedPacket half = parse_packet({data, size / 2});
    check(half.packet);
    const std::size_t field = size >= 6 && data[0] >> 4 == 4 ? 2 : 4;
    const bool length_told = size >= 6 && (data[field] | data[field + 1]) != 0;
    if (length_told && half.error == PacketError::none && whole.error == PacketError::none)
        require(half == whole);
    return 0;
}
