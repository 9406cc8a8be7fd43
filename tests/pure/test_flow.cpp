// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <set>

#include "rules/flow.hpp"

using namespace doorward;

TEST_CASE("directions have names that parse back") {
    CHECK(direction_name(Direction::out) == "out");
    CHECK(direction_name(Direction::in) == "in");
    CHECK(parse_direction("out") == Direction::out);
    CHECK(parse_direction("in") == Direction::in);
    for (const char* text : {"", "Out", "outbound", "both"}) CHECK_FALSE(parse_direction(text));
}

TEST_CASE("every reason for a missing process has its own name, which parses back") {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Unknown::ambiguous); ++i) {
        const auto reason = static_cast<Unknown>(i);
        CHECK(unknown_name(reason) != "?");
        CHECK(names.insert(unknown_name(reason)).second);
        CHECK(parse_unknown(unknown_name(reason)) == reason);
    }
    CHECK(unknown_name(Unknown::no_binding) == "no-binding");
    CHECK(unknown_name(Unknown::bad_packet) == "bad-packet");
    for (const char* text : {"", "?", "no_binding", "No-Binding", "no-binding ", "unknown"})
        CHECK_FALSE(parse_unknown(text));
}

TEST_CASE("protocols have names or numbers") {
    struct Case {
        int number;
        const char* name;
    };
    for (const Case& c : {Case{1, "icmp"}, Case{6, "tcp"}, Case{17, "udp"}, Case{58, "icmpv6"},
                          Case{132, "sctp"}, Case{136, "udplite"}, Case{0, "0"}, Case{47, "47"},
                          Case{255, "255"}}) {
        const auto protocol = static_cast<Protocol>(c.number);
        CHECK(protocol_name(protocol) == c.name);
        CHECK(parse_protocol(c.name) == protocol);
        CHECK(parse_protocol(std::to_string(c.number)) == protocol);
    }
    for (const char* text : {"", "TCP", "tcp ", " 6", "256", "-1", "+6", "06", "6.0", "0x6", "any"})
        CHECK_FALSE(parse_protocol(text));
}

TEST_CASE("source and destination follow the direction") {
    Flow flow;
    flow.local = *Address::parse("192.0.2.1");
    flow.remote = *Address::parse("203.0.113.7");
    flow.local_port = 40000;
    flow.remote_port = 443;
    CHECK(flow.source() == flow.local);
    CHECK(flow.destination() == flow.remote);
    CHECK(flow.destination_port() == 443);
    flow.direction = Direction::in;
    CHECK(flow.source() == flow.remote);
    CHECK(flow.destination() == flow.local);
    CHECK(flow.destination_port() == 40000);
}
