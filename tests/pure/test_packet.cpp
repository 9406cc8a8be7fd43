// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>

#include "rules/packet.hpp"
#include "tests/pure/packet_builder.hpp"

using namespace doorward;
using namespace doorward::test;

namespace {

// A copy of exactly the packet's size, so that a sanitizer sees any read beyond it.
ParsedPacket parse(const Data& data) {
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[data.size()]);
    std::copy(data.begin(), data.end(), exact.get());
    return parse_packet({exact.get(), data.size()});
}

Packet good(const PacketBuilder& builder) {
    const ParsedPacket parsed = parse(builder.bytes());
    CHECK(parsed.error == PacketError::none);
    return parsed.packet;
}

PacketError error_of(const Data& data) { return parse(data).error; }

void check_ports(const Packet& packet, int source, int destination) {
    CHECK(packet.ports_known);
    CHECK(packet.source_port == source);
    CHECK(packet.destination_port == destination);
}

constexpr auto none = PacketError::none;
constexpr auto truncated = PacketError::truncated;
constexpr auto malformed = PacketError::malformed;

}  // namespace

TEST_CASE("TCP, UDP, UDPLITE and SCTP over IPv4 and IPv6") {
    for (const bool six : {false, true}) {
        const PacketBuilder base(six);
        const auto check = [&](const Packet& packet, Protocol protocol) {
            CHECK(packet.protocol == protocol);
            CHECK(packet.source == *Address::parse(six ? "2001:db8::1" : "192.0.2.1"));
            CHECK(packet.destination == *Address::parse(six ? "2001:db8::2" : "203.0.113.7"));
            check_ports(packet, 40000, 443);
            CHECK(packet.icmp_type == 0);
        };
        check(good(PacketBuilder(base).tcp(40000, 443)), Protocol::tcp);
        check(good(PacketBuilder(base).udp(40000, 443)), Protocol::udp);
        check(good(PacketBuilder(base).udp(40000, 443, 4, 136)), Protocol::udplite);
        check(good(PacketBuilder(base).sctp(40000, 443)), Protocol::sctp);
    }
}

TEST_CASE("a SYN with MP_JOIN joins a connection that is open") {
    const Data join{30, 12, 0x10, 3, 1, 2, 3, 4, 5, 6, 7, 8};
    const auto joins = [](bool six, const Data& options) {
        return good(PacketBuilder(six).tcp(1, 2).syn().options(options)).tcp_joins;
    };
    for (const bool six : {false, true}) {
        CHECK(joins(six, join));
        CHECK(joins(six, {2, 4, 5, 180, 1, 1, 30, 12, 0x10, 3, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}));
        CHECK_FALSE(joins(six, {30, 12, 0x00, 1, 1, 2, 3, 4, 5, 6, 7, 8}));  // MP_CAPABLE
        CHECK_FALSE(joins(six, {2, 4, 0x10, 0x10}));
        CHECK_FALSE(joins(six, {0, 12, 0x10, 3, 30, 4, 0x10, 0}));     // behind the end of the options
        CHECK_FALSE(joins(six, {254, 8, 30, 12, 0x10, 3, 1, 2}));      // within another
        CHECK_FALSE(joins(six, {254, 1, 1, 1, 30, 4, 0x10, 0}));       // behind one that makes no sense
        CHECK_FALSE(joins(six, {1, 1, 30, 12}));                       // longer than the header
        CHECK_FALSE(joins(six, {1, 1, 1, 30}));
        CHECK_FALSE(joins(six, {1, 1, 30, 2}));
    }
    CHECK_FALSE(good(v4().tcp(1, 2).tcp_flags(0x12).options(join)).tcp_joins);
    CHECK_FALSE(good(v4().tcp(1, 2).options(join)).tcp_joins);
}

TEST_CASE("only SYN without ACK opens a TCP connection") {
    CHECK(good(v4().tcp(1, 2).syn()).tcp_syn);
    CHECK(good(v6().tcp(1, 2).syn()).tcp_syn);
    CHECK(good(v4().tcp(1, 2).tcp_flags(0xc2)).tcp_syn);  // with ECN bits
    for (const int flags : {0x00, 0x10, 0x12, 0x04, 0x11, 0x01, 0x18})
        CHECK_FALSE(good(v4().tcp(1, 2).tcp_flags(flags)).tcp_syn);
    CHECK_FALSE(good(v4().udp(1, 2, 20).with8(13, 0x02)).tcp_syn);
}

TEST_CASE("ICMP echo carries its identifier as the source port") {
    struct Case {
        bool six;
        std::uint8_t type;
        bool echo;
    };
    for (const Case& c : {Case{false, 8, true}, Case{false, 0, true}, Case{false, 42, true},
                          Case{false, 43, true}, Case{false, 3, false}, Case{false, 128, false},
                          Case{true, 128, true}, Case{true, 129, true}, Case{true, 160, true},
                          Case{true, 161, true}, Case{true, 135, false}, Case{true, 8, false}}) {
        const Packet packet = good(PacketBuilder(c.six).icmp(c.type, 4711));
        CHECK(packet.protocol == (c.six ? Protocol::icmpv6 : Protocol::icmp));
        CHECK(packet.icmp_type == c.type);
        CHECK(packet.ports_known == c.echo);
        CHECK(packet.source_port == (c.echo ? 4711 : 0));
        CHECK(packet.destination_port == 0);
    }
}

TEST_CASE("a protocol without ports is kept by its number") {
    for (const std::uint8_t number : {std::uint8_t{47}, std::uint8_t{50}, std::uint8_t{255}}) {
        const Packet packet = good(v4().payload(number, Data(12, 9)));
        CHECK(packet.protocol == static_cast<Protocol>(number));
        CHECK_FALSE(packet.ports_known);
        CHECK(packet.source_port == 0);
        CHECK_FALSE(good(v6().payload(number, Data(12, 9))).ports_known);
    }
    CHECK(good(v4().payload(47, {})).protocol == static_cast<Protocol>(47));
    CHECK(good(v6().payload(59, {})).protocol == static_cast<Protocol>(59));  // "no next header"
}

TEST_CASE("IPv4 options are stepped over") {
    for (const std::size_t size : {4u, 8u, 40u})
        check_ports(good(v4().options(size).tcp(1000, 25)), 1000, 25);
    // The same bytes without the options' length give other ports: the field is really used.
    CHECK(good(v4().options(4).header_words(5).tcp(1000, 25).with8(8, 0x50)).source_port == 0x0101);
}

TEST_CASE("IPv4 header lengths that lie") {
    const auto tcp = v4().tcp(1, 2);
    for (const int words : {0, 1, 4})
        CHECK(error_of(PacketBuilder(tcp).header_words(words).bytes()) == malformed);
    CHECK(error_of(v4().payload(47, Data(30)).header_words(4).bytes()) == malformed);
    CHECK(error_of(PacketBuilder(tcp).header_words(15).bytes()) == malformed);  // 60 of 40 bytes
    CHECK(error_of(PacketBuilder(tcp).header_words(15).claim(1000).bytes()) == truncated);
    for (const std::size_t total : {1u, 19u, 20u, 23u, 39u})
        CHECK(error_of(PacketBuilder(tcp).claim(total).bytes()) == malformed);
    CHECK(error_of(PacketBuilder(tcp).claim(40).bytes()) == none);
    CHECK(error_of(PacketBuilder(tcp).claim(0).bytes()) == none);  // BIG TCP: length not told
    CHECK(error_of(PacketBuilder(tcp).claim(0).bytes(30)) == malformed);
}

TEST_CASE("bytes beyond the stated length are ignored, missing payload is no error") {
    const auto udp = v4().udp(5353, 53, 100);
    CHECK(error_of(udp.bytes(300)) == none);   // padded by the link
    CHECK(error_of(udp.bytes(28)) == none);    // the copy ends after the UDP header
    CHECK(error_of(udp.bytes(27)) == truncated);
    CHECK(error_of(v6().udp(5353, 53, 100).bytes(300)) == none);
    CHECK(error_of(v6().udp(5353, 53, 100).bytes(48)) == none);
    CHECK(error_of(v6().udp(5353, 53, 100).bytes(47)) == truncated);
    // Padding must not be read as a header that the stated length leaves no room for.
    CHECK(error_of(v4().udp(5353, 53).claim(24).bytes(64)) == malformed);
}

TEST_CASE("every cut of a packet before the end of its headers is truncated") {
    const Data cases[] = {
        v4().tcp(1000, 25).syn().bytes(),
        v4().options(12).tcp(1000, 25).bytes(),
        v4().udp(1000, 25, 0).bytes(),
        v4().icmp(8, 99).cut_payload(8).bytes(),
        v6().tcp(1000, 25).bytes(),
        v6().udp(1000, 25, 0).bytes(),
        v6().extension(0, 8, 0).extension(43, 24, 2).fragment_header(1).udp(1, 2, 0).bytes(),
        v6().extension(51, 24, 4).extension(60, 16, 1).tcp(1000, 25).bytes(),
    };
    for (const Data& whole : cases) {
        CHECK(error_of(whole) == none);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            Data cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            INFO(size << " of " << whole.size());
            CHECK(error_of(cut) == truncated);
        }
    }
}

TEST_CASE("what was read before an error is kept") {
    const ParsedPacket cut = parse(v4().tcp(1000, 25).syn().bytes(25));
    CHECK(cut.error == truncated);
    CHECK(cut.packet.destination == *Address::parse("203.0.113.7"));
    CHECK(cut.packet.protocol == Protocol::tcp);
    check_ports(cut.packet, 1000, 25);
    CHECK_FALSE(cut.packet.tcp_syn);

    const ParsedPacket shorter = parse(v4().tcp(1000, 25).bytes(23));
    CHECK(shorter.packet.protocol == Protocol::tcp);
    CHECK_FALSE(shorter.packet.ports_known);

    const ParsedPacket lying = parse(v6().udp(1000, 25).with16(4, 7).bytes());
    CHECK(lying.error == malformed);
    CHECK(lying.packet.source == *Address::parse("2001:db8::1"));
    check_ports(lying.packet, 1000, 25);
}

TEST_CASE("transport lengths that lie") {
    for (const bool six : {false, true}) {
        const PacketBuilder base(six);
        const auto udp = [&](std::size_t length) {
            return error_of(PacketBuilder(base).udp(1, 2, 4).with16(4, length).bytes());
        };
        CHECK(udp(12) == none);
        CHECK(udp(8) == none);
        for (const std::size_t length : {0u, 7u, 13u, 65535u}) CHECK(udp(length) == malformed);

        const auto coverage = [&](std::size_t length) {
            return error_of(PacketBuilder(base).udp(1, 2, 4, 136).with16(4, length).bytes());
        };
        CHECK(coverage(0) == none);
        CHECK(coverage(8) == none);
        CHECK(coverage(7) == malformed);

        const auto tcp = [&](int words) {
            const auto shifted = static_cast<std::uint8_t>(words << 4);
            return error_of(PacketBuilder(base).tcp(1, 2).with8(12, shifted).bytes());
        };
        CHECK(tcp(5) == none);
        for (const int words : {0, 4, 6, 15}) CHECK(tcp(words) == malformed);

        CHECK(error_of(PacketBuilder(base).tcp(1, 2).cut_payload(19).bytes()) == malformed);
        CHECK(error_of(PacketBuilder(base).sctp(1, 2).cut_payload(12).bytes()) == none);
        CHECK(error_of(PacketBuilder(base).sctp(1, 2).cut_payload(11).bytes()) == malformed);
        CHECK(error_of(PacketBuilder(base).icmp(six ? 128 : 8, 1).cut_payload(7).bytes()) ==
              malformed);
        CHECK(error_of(PacketBuilder(base).tcp(1, 2).cut_payload(0).bytes()) == malformed);
    }
}

TEST_CASE("IPv4 fragments: the first has ports, the others have none") {
    const Packet first = good(v4().fragment_field(0x2000).udp(1000, 53).with16(4, 3000));
    check_ports(first, 1000, 53);
    CHECK(error_of(v4().fragment_field(0).udp(1000, 53).with16(4, 3000).bytes()) == malformed);
    CHECK(good(v4().fragment_field(0x4000).tcp(1, 2).syn()).tcp_syn);  // "don't fragment" only

    for (const int field : {0x0001, 0x2001, 0x1fff, 0x00b9}) {
        const Packet later = good(v4().fragment_field(field).tcp(1000, 25).syn());
        CHECK(later.protocol == Protocol::tcp);
        CHECK_FALSE(later.ports_known);
        CHECK(later.destination_port == 0);
        CHECK_FALSE(later.tcp_syn);
    }
    CHECK(error_of(v4().fragment_field(1).payload(6, Data(1)).bytes()) == none);
    CHECK(error_of(v4().fragment_field(0x2000).tcp(1, 2).cut_payload(8).bytes()) == malformed);
}

TEST_CASE("IPv6 extension headers are stepped over, whatever their order") {
    check_ports(good(v6().extension(0, 8, 0).tcp(1000, 25)), 1000, 25);
    check_ports(good(v6().extension(0, 16, 1).extension(60, 8, 0).extension(43, 24, 2)
                         .extension(51, 24, 4).extension(60, 2048, 255).udp(1000, 25)), 1000, 25);
    check_ports(good(v6().extension(60, 8, 0).icmp(128, 77)), 77, 0);
    // A wrong length shows: the walk lands elsewhere.
    CHECK(good(v6().extension(60, 16, 0).tcp(1000, 25).with8(4, 0x50)).source_port == 0);
}

TEST_CASE("IPv6 extension headers that lie") {
    CHECK(error_of(v6().extension(60, 8, 1).udp(1, 2, 0).bytes()) == malformed);
    CHECK(error_of(v6().extension(60, 8, 255).udp(1, 2).bytes()) == malformed);
    CHECK(error_of(v6().extension(60, 8, 255).udp(1, 2).claim(9000).bytes()) == truncated);
    CHECK(error_of(v6().extension(60, 4, 0).bytes()) == malformed);
    CHECK(error_of(v6().extension(60, 8, 1).payload(59, {}).bytes()) == malformed);
    CHECK(error_of(v6().extension(60, 16, 1).payload(59, {}).bytes()) == none);
    CHECK(error_of(v6().extension(60, 16, 1).payload(59, {}).bytes(48)) == truncated);
    CHECK(parse(v6().extension(60, 8, 0).payload(6, {}).bytes()).packet.protocol == Protocol::tcp);

    const auto chain = [](int count) {
        auto builder = v6();
        for (int i = 0; i < count; ++i) builder.extension(60, 8, 0);
        return error_of(builder.tcp(1000, 25).bytes());
    };
    CHECK(chain(16) == none);
    CHECK(chain(17) == malformed);
    CHECK(chain(5000) == malformed);
}

TEST_CASE("headers that Linux treats as protocols of their own are not looked behind") {
    for (const int kind : {135, 139, 140, 50}) {  // mobility, HIP, shim6, ESP
        const Packet packet = good(v6().extension(kind, 8, 0).tcp(1000, 25));
        CHECK(packet.protocol == static_cast<Protocol>(kind));
        CHECK_FALSE(packet.ports_known);
    }
    CHECK_FALSE(good(v4().payload(51, Data(24))).ports_known);  // IPv4 authentication header
}

TEST_CASE("IPv6 fragments: the first has ports, the others have none") {
    check_ports(good(v6().fragment_header(0x0001).udp(1000, 53).with16(4, 3000)), 1000, 53);
    check_ports(good(v6().fragment_header(0x0000).udp(1000, 53)), 1000, 53);  // "atomic"
    CHECK(error_of(v6().fragment_header(0).udp(1000, 53).with16(4, 3000).bytes()) == malformed);
    for (const int field : {0x0008, 0x0009, 0xfff8}) {
        const Packet later = good(v6().fragment_header(field).tcp(1000, 25).syn());
        CHECK(later.protocol == Protocol::tcp);
        CHECK_FALSE(later.ports_known);
        CHECK_FALSE(later.tcp_syn);
    }
    // What looks like an extension header in a later fragment is payload.
    CHECK(error_of(v6().fragment_header(0x0008).payload(60, Data(1)).bytes()) == none);
}

TEST_CASE("IPv6 lengths") {
    CHECK(error_of(v6().tcp(1, 2).claim(19).bytes()) == malformed);
    CHECK(error_of(v6().tcp(1, 2).claim(20).bytes()) == none);
    CHECK(error_of(v6().tcp(1, 2).claim(65535).bytes()) == none);  // the copy was cut
    CHECK(error_of(v6().tcp(1, 2).claim(0).bytes()) == none);      // jumbogram: length not told
    CHECK(error_of(v6().payload(6, {}).bytes()) == malformed);
}

TEST_CASE("IPv4 addresses in an IPv6 header are refused") {
    CHECK(error_of(v6().to("::ffff:203.0.113.7").tcp(1, 2).bytes()) == malformed);
    CHECK(error_of(v6().from("::ffff:192.0.2.1").tcp(1, 2).bytes()) == malformed);
    CHECK(error_of(v6().to("::203.0.113.7").tcp(1, 2).bytes()) == none);
}

TEST_CASE("what is no IP packet") {
    CHECK(parse({}) == ParsedPacket{{}, truncated});
    for (const int version : {0, 1, 2, 3, 5, 7, 15}) {
        Data data = v4().tcp(1, 2).bytes();
        data[0] = static_cast<std::uint8_t>(version << 4 | 5);
        CHECK(parse(data) == ParsedPacket{{}, malformed});
    }
}
