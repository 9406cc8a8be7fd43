// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses that are known by a word.
#include <catch2/catch.hpp>

#include "rule_trial.hpp"

using namespace doorward;

namespace {

// What a word says of an address, seen from the network of the host or without knowing it.
enum class Says { yes, no, neither };

Says of(const std::string& word, const std::string& address, bool known = true,
        const std::string& definitions = {}) {
    Situation s;
    s.remote = address;
    if (!known) s.network.reset();
    const bool is = meets("to: [\"" + word + "\"]", s, definitions);
    const bool is_not = meets("not: {to: \"" + word + "\"}", s, definitions);
    CHECK_FALSE((is && is_not));
    return is ? Says::yes : is_not ? Says::no : Says::neither;
}

void check(const std::string& word, std::initializer_list<const char*> inside,
           std::initializer_list<const char*> outside) {
    for (const char* address : inside) {
        INFO(word << ' ' << address);
        CHECK(of(word, address) == Says::yes);
    }
    for (const char* address : outside) {
        INFO(word << ' ' << address);
        CHECK(of(word, address) == Says::no);
    }
}

}  // namespace

TEST_CASE("words and their names") {
    for (std::size_t i = 0; i < network_words; ++i) {
        const auto word = static_cast<NetworkWord>(i);
        CHECK(parse_network_word(network_word(word)) == word);
    }
    for (const char* text : {"", "Lan", "LAN", "lan ", "localhost", "private_", "internet", "lo"})
        CHECK_FALSE(parse_network_word(text));
    CHECK_FALSE(refusal_of({"rules: [{name: r, to: localhost, action: drop}]"}) == "accepted");
}

TEST_CASE("loopback") {
    check("loopback", {"127.0.0.1", "127.255.255.255", "::1"},
          {"126.255.255.255", "128.0.0.0", "::", "::2", "192.0.2.10", "0.0.0.0"});
    CHECK(of("loopback", "127.0.0.1", false) == Says::yes);
    CHECK(of("loopback", "192.0.2.10", false) == Says::no);
}

TEST_CASE("multicast") {
    check("multicast", {"224.0.0.0", "239.255.255.255", "ff02::1", "ff00::", "ffff::"},
          {"223.255.255.255", "240.0.0.0", "255.255.255.255", "fe80::1", "192.0.2.10"});
    CHECK(of("multicast", "224.0.0.251", false) == Says::yes);
    CHECK(of("multicast", "203.0.113.7", false) == Says::no);
}

TEST_CASE("private") {
    check("private",
          {"10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1",
           "100.64.0.0", "100.127.255.255", "169.254.1.1", "fc00::1", "fdff::1", "fe80::1"},
          {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
           "192.169.0.0", "100.63.255.255", "100.128.0.0", "169.253.0.1", "fbff::1", "fe00::1",
           "fec0::1", "2001:db8::1", "203.0.113.7"});
    CHECK(of("private", "10.1.2.3", false) == Says::yes);
    CHECK(of("private", "203.0.113.7", false) == Says::no);
}

TEST_CASE("lan") {
    check("lan", {"192.0.2.0", "192.0.2.255", "169.254.7.7", "fe80::1", "255.255.255.255"},
          {"192.0.3.0", "192.0.1.255", "10.0.0.1", "203.0.113.7", "2001:db8::1"});
    CHECK(of("lan", "192.0.2.1", false) == Says::neither);
    CHECK(of("lan", "203.0.113.7", false) == Says::neither);
    CHECK(of("lan", "fe80::1", false) == Says::yes);  // link-local addresses need no looking up
}

TEST_CASE("dns") {
    check("dns", {"9.9.9.9"}, {"9.9.9.10", "192.0.2.1", "127.0.0.53"});
    CHECK(of("dns", "9.9.9.9", false) == Says::neither);
    CHECK(of("dns", "203.0.113.7", false) == Says::neither);
}

TEST_CASE("self") {
    check("self", {"192.0.2.10", "127.0.0.1", "::1"}, {"192.0.2.11", "192.0.2.1", "203.0.113.7"});
    CHECK(of("self", "127.0.0.1", false) == Says::yes);
    CHECK(of("self", "192.0.2.10", false) == Says::neither);
    CHECK(of("self", "203.0.113.7", false) == Says::neither);
}

TEST_CASE("words stand in sets, beside addresses") {
    const std::string sets = "sets:\n  near: {addresses: [lan, 203.0.113.0/24]}\n"
                             "  nearer: {addresses: [set:near, loopback]}\n";
    CHECK(of("set:near", "192.0.2.9", true, sets) == Says::yes);
    CHECK(of("set:near", "203.0.113.9", true, sets) == Says::yes);
    CHECK(of("set:near", "203.0.114.9", true, sets) == Says::no);
    CHECK(of("set:near", "127.0.0.1", true, sets) == Says::no);
    CHECK(of("set:nearer", "127.0.0.1", true, sets) == Says::yes);
    CHECK(of("set:nearer", "192.0.2.9", true, sets) == Says::yes);
    CHECK(of("set:nearer", "10.0.0.1", true, sets) == Says::no);
    // What is in the set for certain is, whatever the network; of the rest it can't be said.
    CHECK(of("set:near", "203.0.113.9", false, sets) == Says::yes);
    CHECK(of("set:near", "203.0.114.9", false, sets) == Says::neither);
    CHECK(of("set:nearer", "127.0.0.1", false, sets) == Says::yes);
    // Words are no values of other sets.
    CHECK(refusal_of({"sets: {a: {domains: \"*.lan\"}}"}) == "accepted");
    CHECK(refusal_of({"sets: {a: {ports: lan}}"}) != "accepted");
}

TEST_CASE("a word and an address in one list: one is enough") {
    Situation s;
    CHECK(meets("to: [lan, 203.0.113.7]", s));
    CHECK_FALSE(meets("to: [lan, 203.0.113.8]", s));
    CHECK(meets("not: {to: [lan, 203.0.113.8]}", s));
    s.remote = "192.0.2.99";
    CHECK(meets("to: [lan, 203.0.113.8]", s));
    s.network.reset();
    CHECK_FALSE(meets("to: [lan, 203.0.113.8]", s));
    CHECK_FALSE(meets("not: {to: [lan, 203.0.113.8]}", s));
    CHECK(meets("to: [lan, 192.0.2.99]", s));
    CHECK_FALSE(meets("not: {to: [lan, 192.0.2.99]}", s));
}

TEST_CASE("words in `from`, and of flows that come in") {
    Situation s;
    CHECK(meets("from: self", s));
    CHECK(meets("from: lan", s));
    CHECK_FALSE(meets("from: dns", s));
    s.direction = Direction::in;
    CHECK(meets("to: self", s));
    CHECK_FALSE(meets("from: self", s));
    CHECK_FALSE(meets("from: lan", s));
    s.remote = "192.0.2.77";
    CHECK(meets("from: lan", s));
}

TEST_CASE("only words that ask the network make a decision depend on it") {
    const Situation s;
    const auto asks = [&](const std::string& word) {
        const auto rules = compiled({"rules: [{name: r, to: " + word + ", action: accept}]"});
        return rules->decide(s.flow(), s.around()).depends_on.has(Input::network);
    };
    for (const char* word : {"lan", "dns", "self"}) CHECK(asks(word));
    for (const char* word : {"loopback", "multicast", "private", "10.0.0.0/8"})
        CHECK_FALSE(asks(word));
}

TEST_CASE("a ruleset knows whether it asks the network") {
    const auto asks = [](const std::string& rule) {
        return compiled({"sets:\n  near: {addresses: [lan]}\n  far: {addresses: [192.0.2.0/24, private]}\n"
                         "profiles: {home: {gateway: 192.0.2.1}}\n"
                         "rules:\n  - {name: other, to: 192.0.2.9, action: accept}\n"
                         "  - {name: r, action: accept, " + rule + "}\n"})->asks_network();
    };
    for (const char* rule : {"to: lan", "from: self", "to: [192.0.2.1, dns]", "to: set:near", "profile: home",
                             "interface: eth0", "not: {to: lan}", "not: {profile: home}"}) {
        INFO(rule);
        CHECK(asks(rule));
    }
    for (const char* rule : {"to: private", "to: [loopback, multicast]", "to: set:far", "port: 53",
                             "enabled: false, to: lan", "enabled: false, profile: home"}) {
        INFO(rule);
        CHECK_FALSE(asks(rule));
    }
}

TEST_CASE("the profiles that hold somewhere") {
    const auto rules = compiled({"profiles:\n  home: {gateway: 192.0.2.1}\n  work: {domain: office.example}\n"
                                 "  cafe: {gateway: 192.0.2.2}\nrules: []\n"});
    const Situation s;
    CHECK(rules->profiles_in(*s.network) == std::vector<std::string>{"home", "work"});
    CHECK(rules->profiles_in(Network{}).empty());
}
