// SPDX-License-Identifier: GPL-2.0-or-later
// Profiles (the network that the host is in), interfaces, and tags.
#include <catch2/catch.hpp>

#include "rule_trial.hpp"
#include "rule_values.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

bool holds(const std::string& profile, const Situation& s) {
    return meets("profile: p", s, "profiles: {p: {" + profile + "}}\n");
}

}  // namespace

TEST_CASE("a profile holds by each of its facts") {
    const Situation s;
    for (const char* fact :
         {"gateway: 192.0.2.1", "gateway: [10.0.0.1, 192.0.2.1]", "gateway_mac: 52:54:00:12:34:56",
          "gateway_mac: [\"00:00:00:00:00:01\", 52:54:00:12:34:56]", "interface: eth0",
          "interface: 'eth*'", "interface: [wlan0, 'eth?']", "domain: office.example",
          "domain: [home.example, Office.Example]",
          "gateway: 192.0.2.1, gateway_mac: 52:54:00:12:34:56, interface: eth0, "
          "domain: office.example"}) {
        INFO(fact);
        CHECK(holds(fact, s));
    }
    for (const char* fact :
         {"gateway: 192.0.2.2", "gateway: 192.0.2.10", "gateway_mac: 52:54:00:12:34:57",
          "interface: eth", "interface: eth1", "interface: 'wl*'", "interface: 'eth0?'",
          "domain: example", "domain: x.office.example", "domain: office.example.org",
          // All that is given must hold.
          "gateway: 192.0.2.1, interface: wlan0", "gateway: 192.0.2.2, interface: eth0",
          "interface: eth0, domain: home.example",
          "gateway_mac: 52:54:00:12:34:57, gateway: 192.0.2.1"}) {
        INFO(fact);
        CHECK_FALSE(holds(fact, s));
        CHECK(meets("not: {profile: p}", s, "profiles: {p: {" + std::string(fact) + "}}\n"));
    }
}

TEST_CASE("a hardware address in either case is the same") {
    Situation s;
    s.network->gateways[0].mac = "ab:cd:ef:01:23:45";
    CHECK(holds("gateway_mac: AB:CD:EF:01:23:45", s));
    CHECK(holds("gateway_mac: ab:cd:ef:01:23:45", s));
    s.network->gateways[0].mac.clear();  // not known yet
    CHECK_FALSE(holds("gateway_mac: ab:cd:ef:01:23:45", s));
}

TEST_CASE("a host without a network is in no profile, one of which nothing is known in none for sure") {
    Situation s;
    const std::string office = "profiles: {p: {gateway: 192.0.2.1}}\n";
    s.network = Network{};
    CHECK_FALSE(meets("profile: p", s, office));
    CHECK(meets("not: {profile: p}", s, office));
    s.network.reset();
    CHECK_FALSE(meets("profile: p", s, office));
    CHECK_FALSE(meets("not: {profile: p}", s, office));
}

TEST_CASE("one of several profiles is enough") {
    const std::string two = "profiles:\n  home: {interface: wlan0}\n  office: {interface: eth0}\n";
    Situation s;
    CHECK(meets("profile: [home, office]", s, two));
    CHECK(meets("profile: office", s, two));
    CHECK_FALSE(meets("profile: home", s, two));
    CHECK(meets("not: {profile: home}", s, two));
    CHECK_FALSE(meets("not: {profile: [home, office]}", s, two));
    s.network->interfaces = {"wlan0", "eth0"};
    CHECK(meets("profile: home", s, two));
    CHECK(meets("profile: office", s, two));
}

TEST_CASE("a profile may be defined in another file") {
    const std::string rule = "rules: [{name: r, profile: office, action: accept}]\n";
    const std::string office = "profiles: {office: {interface: eth0}}\n";
    CHECK(winner(*compiled({rule, office}), Situation()) == "r");
    CHECK(winner(*compiled({office, rule}), Situation()) == "r");
}

TEST_CASE("a decision by profile depends on the network") {
    const Situation s;
    const auto rules = compiled({"rules: [{name: r, profile: p, action: accept}]\n"
                                 "profiles: {p: {interface: wlan0}}\n"});
    CHECK(rules->decide(s.flow(), s.around()).depends_on.has(Input::network));
    const auto none = compiled({"rules: [{name: r, interface: wlan0, action: accept}]\n"});
    CHECK_FALSE(none->decide(s.flow(), s.around()).depends_on.has(Input::network));
    CHECK(none->decide(s.flow(), s.around()).depends_on.has(Input::interface));
}

TEST_CASE("errors in profiles") {
    const auto error = [](const std::string& text) {
        return refusal_of({"profiles:" + text + "\n"});
    };
    CHECK(error("") == "accepted");
    CHECK_THAT(error(" [p]"), StartsWith("a.yaml:1:11: profiles: this is no map"));
    CHECK_THAT(error("\n  p: {}"), StartsWith("a.yaml:2:6: ") && Contains("nothing in it"));
    CHECK_THAT(error("\n  p:"), StartsWith("a.yaml:2:3: "));
    CHECK_THAT(error("\n  P: {interface: eth0}"), StartsWith("a.yaml:2:"));
    CHECK_THAT(error("\n  p: {gatway: 192.0.2.1}"),
               StartsWith("a.yaml:2:7: ") && Contains("unknown key \"gatway\"") &&
                   Contains("mean \"gateway\""));
    CHECK_THAT(error("\n  p: {gateway: [192.0.2.1, 192.0.2.0/24]}"),
               StartsWith("a.yaml:2:28: profile \"p\": gateway: ") && Contains("no address"));
    CHECK_THAT(error("\n  p: {gateway: router}"), Contains("such as 192.0.2.1"));
    for (const char* mac : {"52:54:00:12:34", "52-54-00-12-34-56", "5254.0012.3456",
                            "52:54:00:12:34:5g", "52:54:00:12:34:56:78", "\"\""})
        CHECK_THAT(error("\n  p: {gateway_mac: " + std::string(mac) + "}"),
                   StartsWith("a.yaml:2:20: profile \"p\": gateway_mac: ") &&
                       Contains("hardware address"));
    CHECK_THAT(error("\n  p: {interface: averyveryverylongname}"),
               StartsWith("a.yaml:2:18: profile \"p\": interface: "));
    CHECK_THAT(error("\n  p: {domain: []}"), StartsWith("a.yaml:2:15: ") && Contains("empty"));
    CHECK_THAT(refusal_of({"rules:\n  - name: r\n    profile: [home]\n    action: drop\n"}),
               StartsWith("a.yaml:3:15: there is no profile \"home\"") && Contains("under profiles"));
    CHECK_THAT(refusal_of({"rules:\n  - name: r\n    profile: Home\n    action: drop\n"}),
               StartsWith("a.yaml:3:14: rule \"r\": profile: "));
}

TEST_CASE("a search domain is a name: a pattern, which none could be, is refused") {
    CHECK(refusal_of({"profiles: {p: {domain: office.example}}"}) == "accepted");
    CHECK(refusal_of({"profiles: {p: {domain: '*.example'}}"}) != "accepted");
}

TEST_CASE("a rule about the interface") {
    Situation s;
    CHECK(meets("interface: eth0", s));
    CHECK(meets("interface: 'e*'", s));
    CHECK(meets("interface: [wlan0, eth0]", s));
    for (const char* other : {"eth", "eth00", "eth1", "'wl*'", "ETH0", "[wlan0, lo]"}) {
        INFO(other);
        CHECK_FALSE(meets("interface: " + std::string(other), s));
        CHECK(meets("not: {interface: " + std::string(other) + "}", s));
    }
    s.interface.clear();
    CHECK_FALSE(meets("interface: '*'", s));
    for (const char* text : {"eth0", "wl*", "br-0123456789ab", "enp0s31f6", "eth0.100", "veth?"})
        CHECK(refusal_of({"rules: [{name: r, interface: '" + std::string(text) +
                          "', action: drop}]"}) == "accepted");
    for (const char* text : {"", "a b", "a/b", "eth0:1", "sixteen-letters-", "[a", "a\tb"})
        CHECK_THAT(refusal_of({"rules:\n- name: r\n  interface: \"" + std::string(text) +
                               "\"\n  action: drop\n"}),
                   StartsWith("a.yaml:3:14: rule \"r\": interface: "));
}

TEST_CASE("tags are words that change no decision") {
    const auto rules = parse_rules("rules:\n- {name: r, tags: [a, b-2, c_3], action: drop}\n"
                                   "- {name: s, tags: one, action: drop}\n", "a.yaml");
    REQUIRE(rules);
    CHECK(rules->at(0).tags == Texts{"a", "b-2", "c_3"});
    CHECK(rules->at(1).tags == Texts{"one"});
    CHECK(rules->at(0).terms.empty());
    CHECK(meets("tags: [a]", Situation()));
    Rule other = rules->at(0);
    CHECK(same_rule(other, rules->at(0)));
    other.tags.pop_back();
    CHECK_FALSE(same_rule(other, rules->at(0)));
    for (const char* tag : {"A", "7", "a b", "\"\"", "-a", "_a", "ä", "a/b"})
        CHECK_THAT(refusal_of({"rules:\n- name: r\n  tags: [x, " + std::string(tag) +
                               "]\n  action: drop\n"}),
                   StartsWith("a.yaml:3:13: rule \"r\": tags: "));
    CHECK(refusal_of({"rules: [{name: r, tags: " + std::string(64, 't') + ", action: drop}]"}) ==
          "accepted");
    CHECK(refusal_of({"rules: [{name: r, tags: " + std::string(65, 't') + ", action: drop}]"}) !=
          "accepted");
    CHECK_THAT(refusal_of({"rules:\n- name: r\n  tags: []\n  action: drop\n"}),
               StartsWith("a.yaml:3:9: rule \"r\": tags: the list is empty"));
}
