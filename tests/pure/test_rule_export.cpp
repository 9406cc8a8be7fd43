// SPDX-License-Identifier: GPL-2.0-or-later
// Rules in force as one file: it loads, and decides alike.
#include <catch2/catch.hpp>

#include <random>

#include <nlohmann/json.hpp>

#include "cli_fixture.hpp"
#include "oracle.hpp"
#include "rule_trial.hpp"
#include "rules/file_format.hpp"
#include "rules/rule_export.hpp"

using namespace doorward;

namespace {

std::string origin(std::uint32_t at) { return "f.yaml:" + std::to_string(at) + ":1"; }

bool loads(const Rule& rule) {
    Rule flat = rule;
    for (Term& term : flat.terms) term.inherited = false;
    return parse_rules("rules:\n" + format_rule(flat), "f").has_value();
}

// As if groups around it said some of this, too.
void inherit(Rule& rule, Rule other, std::mt19937& random) {
    for (Term& term : other.terms) {
        if (random() % 3) continue;
        term.inherited = true;
        rule.terms.insert(std::ranges::lower_bound(rule.terms, term, term_before), term);
    }
}

}  // namespace

TEST_CASE("what is exported decides alike, over random rules and flows") {
    oracle::Generator generator(99);
    std::mt19937 random(5);
    int compared = 0, layered = 0;
    for (int i = 0; i < 400; ++i) {
        std::vector<Rule> rules;
        for (const Rule& rule : generator.rules(8))
            if (loads(rule)) rules.push_back(rule);
        for (Rule& rule : rules) {
            const Rule before = rule;
            for (const Rule& other : generator.rules(2)) inherit(rule, other, random);
            if (term_layers(rule).size() > 5 || !loads(before)) rule = before;
            layered += term_layers(rule).size() > 1 ? 1 : 0;
        }
        const Defaults defaults = generator.defaults();
        const auto before = oracle::compile(rules, defaults, oracle::test_world());
        const auto text = format_rule_file(export_rules(*before, origin), "f.yaml");
        // What contradicts itself through its groups could not have been loaded.
        if (!text) continue;
        const auto pack = parse_rule_pack(*text, "f.yaml");
        REQUIRE(pack);
        const auto after = Ruleset::compile({*pack}, defaults, oracle::test_world().environment);
        INFO(*text << (after ? "" : after.error().text()));
        REQUIRE(after);
        REQUIRE((*after)->size() == before->size());
        for (int j = 0; j < 40; ++j) {
            const Flow flow = generator.flow();
            const Surroundings around = generator.surroundings();
            const Decision a = before->decide(flow, around), b = (*after)->decide(flow, around);
            if (a.action != b.action || a.rule != b.rule) REQUIRE(a.rule == b.rule);
            ++compared;
        }
    }
    CHECK(compared > 5000);
    CHECK(layered > 200);
}

TEST_CASE("exported rules are told apart by groups where they must be, with their origins") {
    const auto rules = compiled(
        {"sets: {web: {ports: [80, 443]}}\nprofiles: {home: {gateway: 192.0.2.1, interface: [eth0, \"wl*\"]}}\n"
         "rules:\n  - to: 10.0.0.0/8\n    tags: t\n    rules:\n"
         "      - {name: a, to: 10.1.0.0/16, port: set:web, profile: home, action: accept}\n"
         "      - {name: b, not: {user: alice}, enabled: false, action: drop}\n"});
    CHECK(format_rule_file(export_rules(*rules, origin), "f").value() ==
          "# Rules in force: 2. Below, where each was written.\n\n"
          "sets:\n  web:\n    ports: [80, 443]\n\n"
          "profiles:\n  home:\n    gateway: 192.0.2.1\n    interface: [eth0, \"wl*\"]\n\n"
          "rules:\n  # f.yaml:0:1\n  - to: 10.0.0.0/8\n    rules:\n"
          "      - name: a\n        to: 10.1.0.0/16\n        port: set:web\n        profile: home\n"
          "        action: accept\n        tags: t\n"
          "  # f.yaml:1:1\n  - name: b\n    to: 10.0.0.0/8\n    not:\n      user: alice\n    action: drop\n"
          "    enabled: false\n    tags: t\n");
}

TEST_CASE("doorward export prints what loads, in YAML and in JSON") {
    CliFixture fixture;
    fixture.daemon.rules_in_force[0].comment = "für \"alle\"";
    const auto yaml = fixture.run({"export"});
    CHECK(yaml.status == 0);
    CHECK_THAT(yaml.out, Catch::Contains("  # /etc/doorward/rules.d/10-web.yaml:2:5\n  - name: web\n"));
    CHECK(format_rule_file(yaml.out, "f").value() == yaml.out);
    CHECK(same_rules(parse_rules(yaml.out, "f").value(), fixture.daemon.rules_in_force));
    const auto json = fixture.run({"export", "--format", "json"});
    CHECK(json.status == 0);
    CHECK(nlohmann::json::parse(json.out)["rules"].size() == 2);
    auto again = parse_rules(json.out, "f");
    INFO(json.out << (again ? "" : again.error().text()));
    REQUIRE(again);
    CHECK((*again)[0].comment == "für \"alle\" [/etc/doorward/rules.d/10-web.yaml:2:5]");
    for (std::size_t at = 0; at < again->size(); ++at) (*again)[at].comment = fixture.daemon.rules_in_force[at].comment;
    CHECK(same_rules(*again, fixture.daemon.rules_in_force));
    CHECK(fixture.run({"export", "--format", "xml"}).status == 2);
    CHECK(Commands().run({"--socket", "/nonexistent", "export"}).status == 3);
}
