// SPDX-License-Identifier: GPL-2.0-or-later
// Records of the ring → names of flows.
#include <catch2/catch.hpp>

#include <cstring>

#include "bpf/wire.h"
#include "dns_packet.hpp"
#include "fwd/names.hpp"

using namespace doorward;
using namespace doorward::test;

namespace {

const std::string host = "www.example.org";

struct Fixture {
    Names names{std::nullopt, {}};

    void take(const Bytes& packet, bool inbound, std::size_t cut = 0) {
        names.take_record(ring_record(packet, inbound, packet.size() - cut), 1000);
    }
    // The SYN of a connection, and the one that answers it: what is sent next has these numbers.
    void connect(std::uint32_t at, std::uint32_t answers_at) {
        take(tcp_packet({}, false, at - 1, 0, 0x02), false);
        take(tcp_packet({}, true, answers_at - 1, at, 0x12), true);
    }
    std::string first(const char* address, Direction direction = Direction::out) {
        Flow flow;
        flow.direction = direction;
        flow.remote = Address::parse(address).value();
        FlowNames found;
        names.look_up(flow, false, 1000, found);
        if (found.views().empty()) return "";
        CHECK(*found.first() == found.views().front());
        return *found.first();
    }
};

Bytes query(std::uint16_t id = 1) { return DnsBuilder(id, host, DnsType::a, false).bytes(); }
Bytes answer(std::uint16_t id = 1, const char* address = "203.0.113.7") {
    return DnsBuilder(id, host, DnsType::a).address(host, address).bytes();
}

}  // namespace

TEST_CASE("datagrams through the ring name the other end of outbound flows") {
    Fixture fixture;
    fixture.take(udp_packet(query(), false), false);
    fixture.take(udp_packet(answer(), true), true);
    CHECK(fixture.first("203.0.113.7") == host);
    CHECK(fixture.first("203.0.113.7", Direction::in) == "");
    CHECK(fixture.names.counters().malformed == 0);
}

TEST_CASE("DNS over TCP, in pieces, several messages on one connection") {
    Fixture fixture;
    const auto send = [&](const Bytes& bytes, bool inbound, std::uint32_t at) {
        fixture.take(tcp_packet(bytes, inbound, inbound ? 500 + at : 100 + at, 500), inbound);
    };
    const Bytes asked = framed(query());
    fixture.connect(100, 500);
    send(asked, false, 0);
    send(framed(query(2)), false, static_cast<std::uint32_t>(asked.size()));
    Bytes answers = framed(answer());
    put(answers, framed(answer(2, "203.0.113.8")));
    for (std::size_t at = 0; at < answers.size(); at += 5)
        send(Bytes(answers.begin() + static_cast<std::ptrdiff_t>(at),
                   answers.begin() +
                       static_cast<std::ptrdiff_t>(std::min(answers.size(), at + 5))),
             true, static_cast<std::uint32_t>(at));
    CHECK(fixture.first("203.0.113.7") == host);
    CHECK(fixture.first("203.0.113.8") == host);
    CHECK(fixture.names.counters().connections == 1);
}

TEST_CASE("a hole in a TCP stream names nothing, and is counted") {
    Fixture fixture;
    fixture.connect(100, 500);
    fixture.take(tcp_packet(framed(query()), false, 100, 500), false);
    fixture.take(tcp_packet(framed(answer()), true, 501, 0), true);
    CHECK(fixture.first("203.0.113.7") == "");
    CHECK(fixture.names.counters().gaps == 1);
    // Nor does anything later on that connection: a sender could have chosen where that begins.
    fixture.take(tcp_packet(framed(query(2)), false, 700, 501), false);
    fixture.take(tcp_packet(framed(answer(2)), true, 501, 0), true);
    CHECK(fixture.first("203.0.113.7") == "");
    CHECK(fixture.names.counters().gaps == 1);
}

TEST_CASE("answers on a connection that asked nothing name nothing") {
    Fixture fixture;
    fixture.connect(100, 500);
    fixture.take(tcp_packet(framed(query()), false, 100, 500), false);
    fixture.take(tcp_packet(framed(answer()), true, 500, 0, 0x18, 0, 40001), true);
    CHECK(fixture.first("203.0.113.7") == "");
}

TEST_CASE("a connection is followed from its beginning, or not at all") {
    Fixture fixture;
    fixture.take(tcp_packet(framed(query()), false, 100, 500), false);  // older than the daemon
    fixture.take(tcp_packet(framed(answer()), true, 500, 0), true);
    CHECK(fixture.first("203.0.113.7") == "");
    fixture.take(tcp_packet({}, true, 499, 100, 0x12), true);  // nobody has called
    fixture.take(tcp_packet(framed(answer()), true, 500, 0), true);
    CHECK(fixture.names.counters().connections == 0);
    fixture.connect(100, 500);
    fixture.take(tcp_packet(framed(query()), false, 100, 500), false);
    fixture.take(tcp_packet(framed(answer()), true, 500, 0), true);
    CHECK(fixture.first("203.0.113.7") == host);
    CHECK(fixture.names.counters().gaps == 0);
}

TEST_CASE("a connection with the ports of one before it is another") {
    Fixture fixture;
    fixture.connect(90'000, 70'000);
    fixture.take(tcp_packet(framed(query()), false, 90'000, 70'000), false);
    fixture.connect(100, 500);
    fixture.take(tcp_packet(framed(answer()), true, 70'000, 0), true);  // the former one's
    CHECK(fixture.first("203.0.113.7") == "");
    fixture.connect(40'000, 20'000);
    fixture.take(tcp_packet(framed(query(3)), false, 40'000, 20'000), false);
    fixture.take(tcp_packet(framed(answer(3)), true, 20'000, 0), true);
    CHECK(fixture.first("203.0.113.7") == host);
    CHECK(fixture.names.counters().connections == 1);
}

TEST_CASE("a record cut short, or with nonsense in it, is counted and names nothing") {
    Fixture fixture;
    fixture.take(udp_packet(query(), false), false);
    fixture.take(udp_packet(answer(), true), true, 1);
    CHECK(fixture.names.counters().cut == 1);
    fixture.take(udp_packet({1, 2, 3}, true), true);
    fixture.take(udp_packet(query(), true), true);     // a query that came in
    fixture.take(udp_packet(answer(), false), false);  // an answer that went out
    CHECK(fixture.names.counters().malformed == 3);
    fixture.names.take_record({}, 1000);
    CHECK(fixture.names.counters().malformed == 4);
    CHECK(fixture.first("203.0.113.7") == "");
}

TEST_CASE("a connection keeps the names it was opened with, and no other gets them") {
    Fixture fixture;
    Flow flow;
    flow.protocol = Protocol::tcp;
    flow.remote = Address::parse("203.0.113.7").value();
    flow.local_port = 40000;
    const auto count = [&](bool opens, std::uint64_t now_ns) {
        FlowNames found;
        fixture.names.look_up(flow, opens, now_ns, found);
        return found.views().size();
    };
    fixture.take(udp_packet(query(), false), false);
    fixture.take(udp_packet(answer(), true), true);
    CHECK(count(true, 1000) == 1);
    CHECK(count(false, 1000) == 1);
    const std::uint64_t later = 3'600'000'000'000;
    CHECK(count(false, later) == 1);
    flow.local_port = 40001;
    CHECK(count(false, later) == 0);
    flow.local_port = 40000;
    flow.protocol = Protocol::udp;
    CHECK(count(false, later) == 0);
    flow.protocol = Protocol::tcp;
    CHECK(count(true, later) == 0);  // the same ports once more
    CHECK(count(false, later) == 0);
    CHECK(fixture.names.counters().flows == 1);
}

TEST_CASE("the hosts file names addresses too, after what DNS said") {
    Fixture fixture;
    fixture.names.set_hosts(std::make_shared<const HostNames>(
        parse_hosts("203.0.113.7 printer.example printer\n203.0.113.8 router", 100)));
    CHECK(fixture.first("203.0.113.7") == "printer.example");
    CHECK(fixture.first("203.0.113.8") == "router");
    CHECK(fixture.first("203.0.113.9") == "");
    fixture.take(udp_packet(query(), false), false);
    fixture.take(udp_packet(answer(), true), true);
    CHECK(fixture.first("203.0.113.7") == host);
    fixture.names.set_hosts(std::make_shared<const HostNames>());
    CHECK(fixture.first("203.0.113.8") == "");
}

TEST_CASE("one address has only so many names in the hosts file") {
    std::string text = "203.0.113.7";
    for (int i = 0; i < 12; ++i) text += " h" + std::to_string(i);
    const HostNames hosts(parse_hosts(text, 100));
    CHECK(hosts.names() == HostNames::names_each);
    CHECK(hosts.skipped() == 4);
    CHECK(*hosts.of(Address::parse("203.0.113.7").value()).front() == "h0");
}
