// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "dns_builder.hpp"

using namespace doorward;
using namespace doorward::test;

namespace {

constexpr std::uint16_t id = 0x1234;
const std::string host = "www.example.org";

Bytes pointer(std::uint16_t to) {
    Bytes out;
    put16(out, 0xc000u | to);
    return out;
}

}  // namespace

TEST_CASE("a query has an id and a question, its name in lower case") {
    const auto query = parse_dns(DnsBuilder(id, "WWW.Example.org", DnsType::aaaa, false).bytes());
    REQUIRE(query);
    CHECK(query->id == id);
    CHECK_FALSE(query->response);
    CHECK(query->question == DnsQuestion{host, DnsType::aaaa});
    CHECK(query->answers.empty());
}

TEST_CASE("addresses, aliases and their times are read") {
    const auto answer = DnsBuilder(id, host, DnsType::a)
                            .alias(host, "Edge.example.NET", 60)
                            .address("edge.example.net", "203.0.113.7", 30)
                            .address("edge.example.net", "2001:db8::7", 0x80000001)
                            .message();
    CHECK(answer.response);
    REQUIRE(answer.answers.size() == 3);
    CHECK(answer.answers[0] ==
          DnsRecord{host, DnsType::cname, 60, std::nullopt, "edge.example.net"});
    CHECK(answer.answers[1] ==
          DnsRecord{"edge.example.net", DnsType::a, 30, Address::parse("203.0.113.7"), ""});
    CHECK(answer.answers[2].address == Address::parse("2001:db8::7"));
    CHECK(answer.answers[2].ttl == 0);  // the highest bit set means none at all
}

TEST_CASE("names may point back to names") {
    const Bytes back = pointer(12);  // where the question's name stands
    Bytes longer{3, 'f', 't', 'p'};
    put(longer, pointer(16));  // "example.org" within it
    const auto answer = DnsBuilder(id, host, DnsType::a)
                            .record(back, DnsType::cname, 5, longer)
                            .record(longer, DnsType::a, 5, {203, 0, 113, 7})
                            .message();
    CHECK(answer.answers.at(0).owner == host);
    CHECK(answer.answers.at(0).target == "ftp.example.org");
    CHECK(answer.answers.at(1).owner == "ftp.example.org");
}

TEST_CASE("pointers that go forward or round in circles are refused") {
    const std::uint16_t end = static_cast<std::uint16_t>(DnsBuilder(id, host, DnsType::a).bytes().size());
    for (const std::uint16_t to : {end, static_cast<std::uint16_t>(end + 2), std::uint16_t{0x3fff}})
        CHECK_FALSE(parse_dns(
            DnsBuilder(id, host, DnsType::a).record(pointer(to), DnsType::a, 5, {1, 2, 3, 4}).bytes()));
    // A label, then back to that label.
    Bytes circle{1, 'a'};
    put(circle, pointer(end));
    CHECK_FALSE(parse_dns(
        DnsBuilder(id, host, DnsType::a).record(circle, DnsType::a, 5, {1, 2, 3, 4}).bytes()));
    // Many pointers in a row, each to the one before.
    Bytes chain{0};
    for (int i = 0; i < 40; ++i)
        put(chain, pointer(static_cast<std::uint16_t>(end + 11 + (i == 0 ? 0 : 1 + 2 * (i - 1)))));
    const auto name_at = static_cast<std::uint16_t>(end + 11 + chain.size() - 2);
    CHECK_FALSE(parse_dns(DnsBuilder(id, host, DnsType::a)
                              .record({0}, DnsType{16}, 5, chain)
                              .record(pointer(name_at), DnsType::a, 5, {1, 2, 3, 4})
                              .bytes()));
}

TEST_CASE("every message cut short is refused, and nothing beyond it is read") {
    const Bytes whole = DnsBuilder(id, host, DnsType::https)
                            .alias(host, "edge.example.net")
                            .record(wire_name("edge.example.net"), DnsType::https, 60,
                                    service_data(1, "", {{4, {203, 0, 113, 7}}}))
                            .bytes();
    REQUIRE(parse_dns(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(parse_dns(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
}

TEST_CASE("what is no plain question about one name of the internet is refused") {
    const auto changed = [](std::size_t at, std::uint8_t value) {
        Bytes bytes = DnsBuilder(id, host, DnsType::a).bytes();
        bytes[at] = value;
        return parse_dns(bytes).has_value();
    };
    CHECK(changed(0, 7));
    CHECK_FALSE(changed(2, 0xa8));  // an update
    CHECK_FALSE(changed(5, 0));     // no question
    CHECK_FALSE(changed(5, 2));     // two
    CHECK_FALSE(changed(7, 1));     // an answer that is not there
    const std::size_t size = DnsBuilder(id, host, DnsType::a).bytes().size();
    CHECK_FALSE(changed(size - 1, 3));  // the class CHAOS
}

TEST_CASE("an error and a cut answer say so") {
    CHECK(DnsBuilder(id, host, DnsType::a).flags(0x8183).message().error == 3);
    CHECK(DnsBuilder(id, host, DnsType::a).flags(0x8380).message().truncated);
}

TEST_CASE("records that lie about their length are refused, those of other kinds left out") {
    const auto parses = [](DnsType type, const Bytes& data) {
        return parse_dns(
                   DnsBuilder(id, host, DnsType::a).record(wire_name(host), type, 5, data).bytes())
            .has_value();
    };
    CHECK_FALSE(parses(DnsType::a, {1, 2, 3}));
    CHECK_FALSE(parses(DnsType::a, {1, 2, 3, 4, 5}));
    CHECK_FALSE(parses(DnsType::aaaa, Bytes(15)));
    CHECK_FALSE(parses(DnsType::aaaa, Bytes(17)));
    CHECK_FALSE(parses(DnsType::cname, {3, 'a'}));
    CHECK_FALSE(parses(DnsType::cname, {1, 'a', 0, 0}));
    CHECK_FALSE(parses(DnsType::cname, {0x41, 'a', 0}));  // a label of a kind that is not used
    const auto other = DnsBuilder(id, host, DnsType::a)
                           .record(wire_name(host), DnsType{16}, 5, {3, 'a', 'b', 'c'})
                           .record(wire_name(host), DnsType::a, 5, {1, 2, 3, 4}, 3)
                           .record(wire_name("b\xc3\xbc.example"), DnsType::a, 5, {1, 2, 3, 4})
                           .record({3, 'a', '.', 'b', 0}, DnsType::a, 5, {1, 2, 3, 4})
                           .record({0}, DnsType::a, 5, {1, 2, 3, 4})
                           .message();
    CHECK(other.answers.empty());
}

TEST_CASE("names longer than DNS allows are refused") {
    Bytes longest;
    for (int i = 0; i < 4; ++i) {
        longest.push_back(i < 3 ? 63 : 61);
        longest.insert(longest.end(), i < 3 ? 63 : 61, 'a');
    }
    Bytes longer = longest;
    longest.push_back(0);
    longer[3 * 64] = 62;
    longer.insert(longer.end(), {'a', 0});
    const auto parses = [](const Bytes& owner) {
        return parse_dns(
            DnsBuilder(id, host, DnsType::a).record(owner, DnsType::a, 5, {1, 2, 3, 4}).bytes());
    };
    REQUIRE(parses(longest));
    CHECK(parses(longest)->answers.size() == 1);
    CHECK_FALSE(parses(longer));
}

TEST_CASE("a service record gives its target and its hints") {
    Bytes v6 = address_bytes("2001:db8::7");
    put(v6, address_bytes("2001:db8::8"));
    const auto answer =
        DnsBuilder(id, host, DnsType::https)
            .record(wire_name(host), DnsType::https, 60, service_data(0, "svc.example.net"))
            .record(wire_name("svc.example.net"), DnsType::https, 60,
                    service_data(1, "", {{1, {2, 'h', '3'}}, {4, {203, 0, 113, 7}}, {6, v6}}))
            .message();
    REQUIRE(answer.answers.size() == 4);
    CHECK(answer.answers[0].target == "svc.example.net");
    for (std::size_t i = 1; i < 4; ++i) CHECK(answer.answers[i].owner == "svc.example.net");
    CHECK(answer.answers[1].address == Address::parse("203.0.113.7"));
    CHECK(answer.answers[3].address == Address::parse("2001:db8::8"));
    // A target of its own: the hints are that one's.
    const auto other = DnsBuilder(id, host, DnsType::https)
                           .record(wire_name(host), DnsType::https, 60,
                                   service_data(1, "edge.example.net", {{4, {203, 0, 113, 7}}}))
                           .message();
    REQUIRE(other.answers.size() == 2);
    CHECK(other.answers[0].target == "edge.example.net");
    CHECK(other.answers[1].owner == "edge.example.net");
}

TEST_CASE("service records with odd hints are refused") {
    const auto parses = [](const Bytes& data) {
        return parse_dns(DnsBuilder(id, host, DnsType::https)
                             .record(wire_name(host), DnsType::https, 60, data)
                             .bytes())
            .has_value();
    };
    CHECK(parses(service_data(1, "")));
    CHECK_FALSE(parses(service_data(1, "", {{4, {203, 0, 113}}})));
    CHECK_FALSE(parses(service_data(1, "", {{6, Bytes(20)}})));
    Bytes lying = service_data(1, "", {{4, {203, 0, 113, 7}}});
    lying[lying.size() - 5] = 9;
    CHECK_FALSE(parses(lying));
    CHECK_FALSE(parses({0}));
    CHECK_FALSE(parses({0, 1}));
}

TEST_CASE("only so many answers are kept") {
    DnsBuilder many(id, host, DnsType::a);
    for (int i = 0; i < 200; ++i) many.record(pointer(12), DnsType::a, 5, {203, 0, 113, 7});
    CHECK(many.message().answers.size() == max_dns_answers);
}
