// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that can never match, and above all: rules that can, of which nothing may be said.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "oracle.hpp"
#include "rule_trial.hpp"
#include "rules/shadow.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

namespace {

const std::string sets = "\nsets: {web: {ports: [80, 443]}, near: {addresses: [10.0.0.0/8]}}"
                         "\nprofiles: {home: {interface: eth0}, work: {interface: eth1}}";

// /opt/link/tool is elsewhere.
std::string resolve(const std::string& path) {
    return path == "/opt/link/tool" ? "/srv/tool" : path;
}

DeadRules dead_of(const Ruleset::Packs& packs, std::int64_t now = 1000) {
    return find_dead_rules(packs, now, resolve);
}

// Whether a rule with the first keys, above one with the second ones, covers it.
bool covered(const std::string& above, const std::string& below) {
    const auto packs = packs_of({fmt::format(
        "rules: [{{name: a, {}action: drop}}, {{name: b, {}action: accept}}]{}",
        above.empty() ? "" : above + ", ", below.empty() ? "" : below + ", ", sets)});
    REQUIRE(Ruleset::compile(packs, {}, small_environment()));
    const auto dead = dead_of(packs);
    CHECK(dead.whole);
    if (dead.rules.empty()) return false;
    CHECK(dead.rules.size() == 1);
    CHECK(dead.rules.front().rule.name() == "b");
    CHECK(dead.rules.front().by.name() == "a");
    return true;
}

// The same rule, with fewer values and more conditions: it can match nothing that the first does not.
Rule narrowed(const Rule& rule, const Rule& other, std::mt19937_64& random) {
    Rule out = rule;
    for (Term& term : out.terms) {
        const auto keep = term.values.size() - random() % term.values.size();
        if (!term.negated) term.values.resize(keep);
    }
    for (const Term& term : other.terms) {
        if (rule.find(term.condition, term.negated)) continue;
        std::vector<std::string> texts;
        for (const Value& value : term.values) texts.push_back(value.text);
        out.add(term.condition, texts, term.negated);
    }
    return out;
}

}  // namespace

TEST_CASE("a rule that one above covers is named, with both places") {
    const auto packs = packs_of({"rules:\n  - name: all\n    app: /opt/**\n    action: drop\n",
                                 "rules:\n  - name: one\n    app: /opt/a/tool\n    port: 443\n"
                                 "    action: accept\n  - name: other\n    app: /usr/bin/curl\n"
                                 "    action: accept\n"});
    CHECK(warnings(dead_of(packs), 20) ==
          std::vector<std::string>{
              "b.yaml:2:5: rule \"one\" never matches: rule \"all\" (a.yaml:2:5) covers it"});
}

TEST_CASE("what covers a value") {
    CHECK(covered("", ""));
    CHECK(covered("", "app: /usr/bin/curl, not: {port: 80}"));
    CHECK(covered("app: /usr/bin/curl", "app: /usr/bin/curl, user: alice"));
    CHECK(covered("app: [/a, /b]", "app: [/b, /a]"));
    CHECK(covered("app: [/a, /b/*]", "app: [/b/c, /a, /b/d]"));
    CHECK(covered("app: unknown", "app: 'unknown:kernel'"));
    CHECK(covered("to: 10.0.0.0/8", "to: 10.1.0.0/16"));
    CHECK(covered("to: 10.0.0.0/8", "to: [10.1.2.3, 10.0.0.0/8]"));
    CHECK(covered("to: ['::/0', 0.0.0.0/0]", "to: ['2001:db8::1', 192.0.2.1]"));
    CHECK(covered("from: [lan, 'set:near']", "from: lan"));
    CHECK(covered("port: 8000-8080", "port: [8000, 8080, 8001-8079]"));
    CHECK(covered("port: 'set:web'", "port: 'set:web', protocol: tcp"));
    CHECK(covered("domain: '*.org'", "domain: [example.org, '*.example.org', '*.org']"));
    CHECK(covered("unit: '*.service'", "unit: ssh.service"));
    CHECK(covered("package: 'python3*'", "package: python3.11"));
    CHECK(covered("interface: 'wl*'", "interface: wlan0"));
    CHECK(covered("when: sat", "when: sat"));
    CHECK(covered("not: {to: 10.1.0.0/16}", "not: {to: [10.0.0.0/8, lan]}"));
    CHECK(covered("not: {app: /opt/a/tool}", "not: {app: /opt/**}, port: 80"));
    CHECK(covered("expires: '2030-01-01T00:00:00Z'", "expires: '2029-01-01T00:00:00Z'"));
    CHECK(covered("", "expires: '2029-01-01T00:00:00Z'"));
}

TEST_CASE("what does not cover, or can't be known to") {
    CHECK_FALSE(covered("app: /usr/bin/curl", ""));
    CHECK_FALSE(covered("app: /usr/bin/curl", "app: [/usr/bin/curl, /usr/bin/wget]"));
    CHECK_FALSE(covered("app: /usr/bin/curl", "not: {app: /usr/bin/curl}"));
    CHECK_FALSE(covered("not: {app: /a}", "app: /b"));
    CHECK_FALSE(covered("app: /opt/*", "app: /opt/a/tool"));
    CHECK_FALSE(covered("app: /opt/**", "app: /opt/*/tool"));  // true, but not looked into
    CHECK_FALSE(covered("app: /opt/**", "app: /opt/link/tool"));  // which is /srv/tool as well
    CHECK_FALSE(covered("app: '/**'", "app: unknown"));
    CHECK_FALSE(covered("app: unknown", "app: '/**'"));
    CHECK_FALSE(covered("app: 'unknown:kernel'", "app: unknown"));
    CHECK_FALSE(covered("parent: /opt/**", "app: /opt/tool"));
    CHECK_FALSE(covered("to: 10.1.0.0/16", "to: 10.0.0.0/8"));
    CHECK_FALSE(covered("to: 10.0.0.0/8", "from: 10.1.0.0/16"));
    CHECK_FALSE(covered("to: '::/0'", "to: 192.0.2.1"));
    CHECK_FALSE(covered("to: 0.0.0.0/0", "to: '2001:db8::1'"));
    CHECK_FALSE(covered("to: 10.0.0.0/8", "to: lan"));
    CHECK_FALSE(covered("to: 'set:near'", "to: 10.1.0.0/16"));
    CHECK_FALSE(covered("port: 80-443", "port: 'set:web'"));
    CHECK_FALSE(covered("port: 8000-8080", "port: 8080-8081"));
    CHECK_FALSE(covered("port: 0-65535", ""));  // ICMP has none
    CHECK_FALSE(covered("domain: '*.example.org'", "domain: example.org"));
    CHECK_FALSE(covered("domain: '*.example.org'", "domain: badexample.org"));
    CHECK_FALSE(covered("domain: example.org", "domain: '*.example.org'"));
    CHECK_FALSE(covered("unit: '*.scope'", "unit: 'user:app-1.scope'"));
    CHECK_FALSE(covered("user: alice", "user: 1000"));
    CHECK_FALSE(covered("direction: out", "direction: in"));
    CHECK_FALSE(covered("protocol: tcp", "protocol: [tcp, udp]"));
    CHECK_FALSE(covered("profile: home", "profile: work"));
    CHECK_FALSE(covered("when: 'sat,sun'", "when: sat"));
    CHECK_FALSE(covered("not: {to: 10.0.0.0/8}", "not: {to: 10.1.0.0/16}"));
    CHECK_FALSE(covered("not: {port: 80}", ""));
    CHECK_FALSE(covered("not: {port: [80, 81]}", "not: {port: 80}"));
    CHECK_FALSE(covered("expires: '2029-01-01T00:00:00Z'", ""));
    CHECK_FALSE(covered("expires: '2029-01-01T00:00:00Z'", "expires: '2030-01-01T00:00:00Z'"));
    CHECK_FALSE(covered("enabled: false", ""));
    CHECK_FALSE(covered("", "enabled: false"));
    CHECK_FALSE(covered("app: /usr/bin/curl, to: 10.0.0.0/8", "app: /usr/bin/curl"));
}

TEST_CASE("what a group hands down counts as the rule's own") {
    const auto packs = packs_of({"rules: [{name: a, app: /a, action: drop}, {name: g, app: /a, "
                                 "rules: [{name: b, port: 80, action: drop}]},\n"
                                 "{name: h, app: /c, rules: [{name: c, app: [/a, /c], action: "
                                 "drop}]}]"});
    const auto dead = dead_of(packs);
    REQUIRE(dead.rules.size() == 1);
    CHECK(dead.rules.front().rule.name() == "b");
}

TEST_CASE("a rule that has expired is named, and covers nothing") {
    const auto packs =
        packs_of({"rules: [{name: a, expires: '2020-01-01T00:00:00Z', action: drop}, {name: b, action: drop}]"});
    CHECK(warnings(dead_of(packs, 2'000'000'000), 20) ==
          std::vector<std::string>{"a.yaml:1:10: rule \"a\" never matches: it has expired"});
    CHECK(dead_of(packs, 0).rules.empty());
}

TEST_CASE("warnings are cut off with a count, and say when not all was looked at") {
    std::string text = "rules:\n- {name: all, action: drop}\n";
    for (int i = 0; i < 30; ++i)
        text += fmt::format("- {{name: r{}, port: {}, action: drop}}\n", i, i);
    const auto packs = packs_of({text});
    const auto all = dead_of(packs);
    CHECK(all.rules.size() == 30);
    const auto some = warnings(all, 20);
    REQUIRE(some.size() == 21);
    CHECK_THAT(some.back(), Contains("10 more rules never match"));
    const auto few = find_dead_rules(packs, 0, resolve, 5);
    CHECK_FALSE(few.whole);
    CHECK(few.rules.size() == 5);
    CHECK_THAT(warnings(few, 20).back(), Contains("too many rules"));
}

TEST_CASE("a hundred thousand rules are looked at within the bounds") {
    RulePackBuilder builder("many.yaml");
    for (int i = 0; i < 100'000; ++i) {
        Rule rule;
        rule.name = fmt::format("r{}", i);
        rule.add(Condition::app, {fmt::format("/opt/{}/tool", i % 300)})
            .add(Condition::to, {fmt::format("10.{}.{}.{}", i % 256, i / 256 % 256, i / 65536)})
            .add(Condition::port, {"443"});
        rule.place = {"many.yaml", i + 1, 1};
        builder.add(rule);
    }
    Rule last;
    last.name = "last";
    last.add(Condition::app, {"/opt/77/tool"}).add(Condition::to, {"10.77.0.0"})
        .add(Condition::port, {"443"});
    builder.add(last);
    const Ruleset::Packs packs{builder.finish()};
    const auto dead = dead_of(packs);
    CHECK(dead.whole);
    REQUIRE(dead.rules.size() == 1);
    CHECK(dead.rules.front().by.name() == "r77");
}

TEST_CASE("what is said to be covered never wins, and what is covered by the way it was made is found") {
    int pairs = 0, met = 0, made = 0;
    for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
        INFO("seed " << seed);
        oracle::Generator generator(seed);
        std::mt19937_64 random(seed);
        auto rules = generator.rules(10);
        if (rules.size() < 2) continue;
        Rule narrow = narrowed(rules[random() % rules.size()], rules[random() % rules.size()], random);
        narrow.name = "narrow";
        const bool must = narrow.enabled && narrow.expires.value_or(1) > 0;
        rules.push_back(narrow);
        const auto& world = oracle::test_world();
        const auto all = oracle::compile(rules, {}, world);
        const auto dead = find_dead_rules(all->packs(), 0, world.environment.resolve_path);
        REQUIRE(dead.whole);
        if (must) {
            ++made;
            REQUIRE(std::ranges::any_of(dead.rules, [](const DeadRule& each) {
                return each.rule.name() == "narrow";
            }));
        }
        for (const DeadRule& each : dead.rules) {
            const Rule below = each.rule.pack->rule(each.rule.at);
            const auto alone = oracle::compile({below}, {}, world);
            const auto both = each.by.pack
                                  ? oracle::compile({each.by.pack->rule(each.by.at), below}, {}, world)
                                  : nullptr;
            ++pairs;
            for (int i = 0; i < 200; ++i) {
                const Flow flow = generator.flow();
                const auto around = generator.surroundings();
                if (alone->decide(flow, around).rule != 0) continue;
                ++met;
                INFO(std::string(each.rule.name()));
                REQUIRE(both);
                REQUIRE(both->decide(flow, around).rule == 0);
            }
        }
    }
    CHECK(pairs > 1000);
    CHECK(met > 1000);
    CHECK(made > 800);
}
