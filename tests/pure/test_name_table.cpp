// SPDX-License-Identifier: GPL-2.0-or-later
// Which answers give names, to which addresses, and for how long.
#include <catch2/catch.hpp>

#include "dns_builder.hpp"
#include "fwd/name_table.hpp"

using namespace doorward;
using namespace doorward::test;

namespace {

constexpr std::uint64_t second = 1'000'000'000;
const std::string host = "www.example.org";
const DnsExchange by_udp{.local = Address::parse("192.0.2.1").value(),
                         .server = Address::parse("192.0.2.53").value(),
                         .local_port = 40000,
                         .server_port = 53,
                         .protocol = Protocol::udp};

struct Fixture {
    NameTable table;
    std::uint64_t now = 100 * second;

    explicit Fixture(NameTable::Limits limits = {}) : table(limits) {}

    void ask(std::uint16_t id = 1, const std::string& name = host, DnsType type = DnsType::a,
             const DnsExchange& exchange = by_udp) {
        table.query(exchange, DnsBuilder(id, name, type, false).message(), now);
    }
    void get(const DnsBuilder& answer, const DnsExchange& exchange = by_udp) {
        table.answer(exchange, answer.message(), now);
    }
    std::vector<std::string> names(const char* address) {
        std::vector<std::string> out;
        table.each_name(Address::parse(address).value(), now,
                        [&](const SharedName& name) { out.push_back(*name); });
        return out;
    }
    std::uint64_t refused(NameRefusal reason) const {
        return table.counters().refused[static_cast<std::size_t>(reason)];
    }
};

using List = std::vector<std::string>;

DnsBuilder plain(std::uint16_t id = 1, const char* address = "203.0.113.7",
                 std::uint32_t ttl = 300) {
    return DnsBuilder(id, host, DnsType::a).address(host, address, ttl);
}

}  // namespace

TEST_CASE("an answer to a query that was sent names its addresses") {
    Fixture fixture;
    fixture.ask();
    CHECK(fixture.table.counters().queries == 1);
    fixture.get(plain().address(host, "203.0.113.8"));
    CHECK(fixture.names("203.0.113.7") == List{host});
    CHECK(fixture.names("203.0.113.8") == List{host});
    CHECK(fixture.names("203.0.113.9").empty());
    CHECK(fixture.table.counters().queries == 0);
    CHECK(fixture.table.counters().answers == 1);
    CHECK(fixture.table.counters().addresses == 2);
}

TEST_CASE("an answer that nobody asked for names nothing") {
    const auto with = [](auto change) {
        DnsExchange other = by_udp;
        change(other);
        return other;
    };
    const DnsExchange others[] = {
        with([](auto& e) { e.local = Address::parse("192.0.2.2").value(); }),
        with([](auto& e) { e.server = Address::parse("192.0.2.54").value(); }),
        with([](auto& e) { e.server_port = 54; }),
        with([](auto& e) { e.local_port = 40001; }),
        with([](auto& e) { e.protocol = Protocol::tcp; }),
    };
    for (const auto& other : others) {
        Fixture fixture;
        fixture.ask();
        fixture.get(plain(), other);
        CHECK(fixture.names("203.0.113.7").empty());
        CHECK(fixture.refused(NameRefusal::not_asked) == 1);
        fixture.get(plain());  // the right one still counts
        CHECK(fixture.names("203.0.113.7") == List{host});
    }
    Fixture fixture;
    fixture.get(plain());
    fixture.ask();
    fixture.get(plain(2));  // another number
    CHECK(fixture.names("203.0.113.7").empty());
    CHECK(fixture.refused(NameRefusal::not_asked) == 2);
}

TEST_CASE("an answer to another question names nothing") {
    Fixture fixture;
    fixture.ask();
    fixture.get(DnsBuilder(1, "bank.example", DnsType::a).address("bank.example", "203.0.113.7"));
    CHECK(fixture.refused(NameRefusal::other_question) == 1);
    fixture.get(DnsBuilder(1, host, DnsType::aaaa).address(host, "2001:db8::7"));
    CHECK(fixture.refused(NameRefusal::not_asked) == 1);
    CHECK(fixture.names("203.0.113.7").empty());
    CHECK(fixture.names("2001:db8::7").empty());
}

TEST_CASE("each query is answered once, and not for ever") {
    Fixture fixture;
    fixture.ask();
    fixture.get(plain());
    fixture.get(plain(1, "203.0.113.66"));
    CHECK(fixture.names("203.0.113.66").empty());
    fixture.ask(2);
    fixture.now += NameTable::query_life_ns;
    fixture.get(plain(2, "203.0.113.67"));
    CHECK(fixture.names("203.0.113.67").empty());
    CHECK(fixture.refused(NameRefusal::not_asked) == 2);
}

TEST_CASE("records that the question does not lead to name nothing") {
    Fixture fixture;
    fixture.ask();
    fixture.get(DnsBuilder(1, host, DnsType::a)
                    .address("bank.example", "203.0.113.1")        // out of the blue
                    .alias("bank.example", "evil.example")
                    .address("evil.example", "203.0.113.2")        // an alias of something else
                    .address(host, "2001:db8::7")                  // of a type not asked for
                    .address(host, "0.0.0.0")
                    .address(host, "203.0.113.7"));
    CHECK(fixture.names("203.0.113.1").empty());
    CHECK(fixture.names("203.0.113.2").empty());
    CHECK(fixture.names("2001:db8::7").empty());
    CHECK(fixture.names("0.0.0.0").empty());
    CHECK(fixture.names("203.0.113.7") == List{host});
}

TEST_CASE("aliases are followed in any order; the name that was asked for comes first") {
    Fixture fixture;
    fixture.ask();
    fixture.get(DnsBuilder(1, host, DnsType::a)
                    .address("edge.example.net", "203.0.113.7")
                    .alias("cdn.example.com", "edge.example.net")
                    .alias(host, "cdn.example.com"));
    CHECK(fixture.names("203.0.113.7") == List{host, "cdn.example.com", "edge.example.net"});
}

TEST_CASE("aliases that go round in a circle end") {
    Fixture fixture;
    fixture.ask();
    fixture.get(DnsBuilder(1, host, DnsType::a)
                    .alias(host, "a.example")
                    .alias("a.example", "b.example")
                    .alias("b.example", "a.example")
                    .alias("b.example", host)
                    .address("b.example", "203.0.113.7"));
    CHECK(fixture.names("203.0.113.7") == List{host, "a.example", "b.example"});
}

TEST_CASE("AAAA and HTTPS records name their addresses") {
    Fixture fixture;
    fixture.ask(1, host, DnsType::aaaa);
    fixture.get(DnsBuilder(1, host, DnsType::aaaa).address(host, "2001:db8::7"));
    CHECK(fixture.names("2001:db8::7") == List{host});
    fixture.ask(2, host, DnsType::https);
    fixture.get(DnsBuilder(2, host, DnsType::https)
                    .record(wire_name(host), DnsType::https, 300,
                            service_data(1, "svc.example.net", {{4, {203, 0, 113, 7}},
                                                                {6, address_bytes("2001:db8::8")}})));
    CHECK(fixture.names("203.0.113.7") == List{host, "svc.example.net"});
    CHECK(fixture.names("2001:db8::8") == List{host, "svc.example.net"});
}

TEST_CASE("a name holds as long as its answer says, within bounds") {
    Fixture fixture({.minimum_ttl_s = 10});
    fixture.ask(1);
    fixture.get(plain(1, "203.0.113.1", 0));
    fixture.ask(2);
    fixture.get(plain(2, "203.0.113.2", 100));
    fixture.ask(3);
    fixture.get(plain(3, "203.0.113.3", 10'000'000));
    fixture.ask(4);
    fixture.get(DnsBuilder(4, host, DnsType::a)
                    .alias(host, "edge.example.net", 20)
                    .address("edge.example.net", "203.0.113.4", 100));
    const auto at = [&, start = fixture.now](std::uint64_t seconds) {
        fixture.now = start + seconds * second;
        std::string known;
        for (const char* address : {"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"})
            known += fixture.names(address).empty() ? '-' : '+';
        return known;
    };
    CHECK(at(9) == "++++");
    CHECK(at(10) == "-+++");
    CHECK(at(20) == "-++-");  // the alias was the shorter one
    CHECK(at(99) == "-++-");
    CHECK(at(100) == "--+-");
    CHECK(at(86399) == "--+-");
    CHECK(at(86400) == "----");
}

TEST_CASE("a shorter answer does not take back a longer one") {
    Fixture fixture({.minimum_ttl_s = 1});
    fixture.ask(1);
    fixture.get(plain(1, "203.0.113.7", 100));
    fixture.ask(2);
    fixture.get(plain(2, "203.0.113.7", 5));
    fixture.now += 50 * second;
    CHECK(fixture.names("203.0.113.7") == List{host});
}

TEST_CASE("errors and answers cut short by the server name nothing, and end the query") {
    for (const auto flags : {std::uint16_t{0x8183}, std::uint16_t{0x8380}}) {
        Fixture fixture;
        fixture.ask();
        fixture.get(plain().flags(flags));
        CHECK(fixture.names("203.0.113.7").empty());
        CHECK(fixture.refused(NameRefusal::no_address) == 1);
        CHECK(fixture.table.counters().queries == 0);
    }
}

TEST_CASE("an address has its newest names") {
    Fixture fixture;
    for (std::uint16_t i = 0; i < 10; ++i) {
        const std::string name = "h" + std::to_string(i) + ".example.org";
        fixture.ask(i, name);
        fixture.get(DnsBuilder(i, name, DnsType::a).address(name, "203.0.113.7"));
    }
    const auto names = fixture.names("203.0.113.7");
    CHECK(names.size() == NameTable::names_each);
    CHECK(names.front() == "h9.example.org");
    CHECK(names.back() == "h2.example.org");
    CHECK(fixture.table.counters().names_displaced == 2);
}

TEST_CASE("a full table forgets what was not used for longest") {
    Fixture fixture({.addresses = 2, .queries = 2});
    const char* const addresses[] = {"203.0.113.1", "203.0.113.2", "203.0.113.3"};
    for (std::uint16_t i = 0; i < 3; ++i) {
        fixture.ask(i);
        fixture.get(plain(i, addresses[i]));
        if (i == 1) CHECK(fixture.names(addresses[0]) == List{host});  // used just now
    }
    CHECK(fixture.names(addresses[0]) == List{host});
    CHECK(fixture.names(addresses[1]).empty());
    CHECK(fixture.names(addresses[2]) == List{host});
    CHECK(fixture.table.counters().addresses == 2);
    CHECK(fixture.table.counters().addresses_evicted == 1);

    for (std::uint16_t i = 10; i < 13; ++i) fixture.ask(i);
    CHECK(fixture.table.counters().queries == 2);
    CHECK(fixture.table.counters().queries_evicted == 1);
    fixture.get(plain(10, "203.0.113.10"));
    CHECK(fixture.names("203.0.113.10").empty());
    fixture.get(plain(12, "203.0.113.12"));
    CHECK(fixture.names("203.0.113.12") == List{host});
}

TEST_CASE("what has expired makes room without being counted as displaced") {
    Fixture fixture({.addresses = 2, .minimum_ttl_s = 1});
    for (std::uint16_t i = 0; i < 6; ++i) {
        fixture.ask(i);
        fixture.get(plain(i, ("203.0.113." + std::to_string(i)).c_str(), 1));
        fixture.now += 2 * second;
    }
    CHECK(fixture.table.counters().addresses_evicted == 0);
    CHECK(fixture.table.counters().addresses <= 2);
}

TEST_CASE("questions about other things are not kept") {
    Fixture fixture;
    fixture.ask(1, host, DnsType{15});
    CHECK(fixture.table.counters().queries == 0);
    fixture.get(DnsBuilder(1, host, DnsType{15}));
    CHECK(fixture.refused(NameRefusal::not_asked) == 0);
}
