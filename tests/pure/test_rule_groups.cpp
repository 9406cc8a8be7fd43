// SPDX-License-Identifier: GPL-2.0-or-later
// Groups of rules: what they hand down, and what they refuse.
#include <catch2/catch.hpp>

#include "rule_trial.hpp"
#include "rule_values.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::vector<Rule> parsed(const std::string& text) {
    const auto rules = parse_rules(text, "a.yaml");
    INFO((rules ? std::string() : rules.error().text()));
    REQUIRE(rules);
    return *rules;
}

// "condition=value,value", with "!" before what is negated and "^" before what is inherited.
Texts terms_of(const Rule& rule) {
    Texts out;
    for (const Term& term : rule.terms) {
        std::string text(term.inherited ? "^" : "");
        text += term.negated ? "!" : "";
        text += condition_name(term.condition);
        char separator = '=';
        for (const Value& value : term.values) {
            text += separator + value.text;
            separator = ',';
        }
        out.push_back(text);
    }
    return out;
}

constexpr const char* web = R"(rules:
  - name: first
    action: drop
  - name: web
    app: /usr/bin/curl
    protocol: tcp
    not:
      to: 10.0.0.0/8
    tags: [office, net]
    comment: of the group
    rules:
      - name: a
        port: 443
        protocol: [tcp, udp]
        not: {user: bob}
        action: accept
      - name: b
        tags: more
        comment: its own
        action: reject
  - name: last
    action: drop
)";

}  // namespace

TEST_CASE("rules of a group stand in the row where the group stands, with what it hands down") {
    const auto rules = parsed(web);
    REQUIRE(rules.size() == 4);
    Texts names;
    for (const Rule& rule : rules) names.push_back(rule.name);
    CHECK(names == Texts{"first", "a", "b", "last"});
    CHECK(terms_of(rules[1]) == Texts{"^protocol=tcp", "protocol=tcp,udp", "^app=/usr/bin/curl",
                                      "!user=bob", "^!to=10.0.0.0/8", "port=443"});
    CHECK(rules[1].tags == Texts{"office", "net"});
    CHECK(rules[1].comment.empty());
    CHECK(rules[1].place == Place{"a.yaml", 12, 9});
    CHECK(terms_of(rules[2]) ==
          Texts{"^protocol=tcp", "^app=/usr/bin/curl", "^!to=10.0.0.0/8"});
    CHECK(rules[2].tags == Texts{"office", "net", "more"});
    CHECK(rules[2].comment == "its own");
    // Rules beside the group have none of it.
    CHECK(rules[0].terms.empty());
    CHECK(rules[3].terms.empty());
    CHECK(rules[3].tags.empty());
}

TEST_CASE("what is inherited must be met beside what a rule says itself") {
    const auto rules = compiled({R"(rules:
  - app: /usr/bin/curl
    port: 1-1000
    not: {to: 203.0.113.9}
    rules:
      - {name: a, port: 443-2000, action: accept}
      - {name: b, user: bob, action: accept}
      - rules:
          - {name: c, not: {to: 203.0.113.8}, action: drop}
        direction: forward
)"});
    Situation s;
    CHECK(winner(*rules, s) == "a");
    s.remote_port = 1500;  // only its own range
    CHECK(winner(*rules, s) == "-");
    s.remote_port = 80;    // only the group's
    CHECK(winner(*rules, s) == "-");
    s.process->uid = 1001;
    CHECK(winner(*rules, s) == "b");
    s.remote = "203.0.113.9";  // excepted for the whole group
    CHECK(winner(*rules, s) == "-");
    s.remote = "203.0.113.7";
    s.process->exe = "/usr/bin/wget";
    CHECK(winner(*rules, s) == "-");
    s = Situation();
    s.direction = Direction::forward;
    s.remote_port = 22;
    CHECK(winner(*rules, s) == "c");
    s.remote = "203.0.113.8";  // excepted by the rule
    CHECK(winner(*rules, s) == "-");
    s.remote = "203.0.113.9";  // and by the group of its group
    CHECK(winner(*rules, s) == "-");
}

TEST_CASE("a group that is off has no rule that is on, and the earliest expiry counts") {
    const auto rules = parsed(R"(rules:
  - enabled: false
    expires: 1970-01-01T00:01:40Z
    rules:
      - {name: a, action: drop}
      - {name: b, enabled: true, expires: "1970-01-01T00:00:50Z", action: drop}
      - {name: c, enabled: false, expires: "1970-01-01T00:03:20Z", action: drop}
  - enabled: true
    rules:
      - {name: d, action: drop}
      - {name: e, enabled: false, action: drop}
      - expires: 1970-01-01T00:00:20Z
        rules:
          - {name: f, expires: "1970-01-01T00:00:30Z", action: drop}
)");
    REQUIRE(rules.size() == 6);
    for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(rules[i].enabled);
    CHECK(rules[0].expires == 100);
    CHECK(rules[1].expires == 50);
    CHECK(rules[2].expires == 100);
    CHECK(rules[3].enabled);
    CHECK_FALSE(rules[3].expires);
    CHECK_FALSE(rules[4].enabled);
    CHECK(rules[5].expires == 20);
}

TEST_CASE("an expired group matches no longer") {
    const auto rules = compiled({R"(rules:
  - expires: 1970-01-01T00:20:00Z
    rules: [{name: a, action: accept}]
)"});
    Situation s;
    s.now = 1199;
    CHECK(winner(*rules, s) == "a");
    s.now = 1200;
    CHECK(winner(*rules, s) == "-");
}

TEST_CASE("groups within groups, four deep and no deeper") {
    const auto nested = [](int depth) {
        std::string text = "rules:\n";
        std::string indent;
        for (int i = 0; i < depth; ++i) {
            text += indent + "- tags: t" + std::to_string(i) + "\n" + indent + "  rules:\n";
            indent += "  ";
        }
        return text + indent + "- {name: a, action: drop}\n";
    };
    const auto rules = parsed(nested(4));
    REQUIRE(rules.size() == 1);
    CHECK(rules[0].tags == Texts{"t0", "t1", "t2", "t3"});
    const auto error = refusal_of({nested(5)});
    CHECK_THAT(error, StartsWith("a.yaml:1") && Contains("nested too deeply") &&
                          Contains("at most 4 levels"));
}

TEST_CASE("errors in groups have their place and say in which rule") {
    const auto error = [](const std::string& lines) { return refusal_of({"rules:\n" + lines}); };
    const std::string group = "  - name: web\n    rules:\n      - name: a\n";
    CHECK_THAT(error(group), StartsWith("a.yaml:4:9: rule \"a\": there is no action"));
    CHECK_THAT(error(group + "        action: drop\n      - action: drop\n"),
               StartsWith("a.yaml:6:9: rule 2: there is no name"));
    CHECK_THAT(error(group + "        action: drop\n        port: x\n"),
               StartsWith("a.yaml:6:15: rule \"a\": port: "));
    CHECK_THAT(error(group + "        action: drop\n        prot: tcp\n"),
               StartsWith("a.yaml:6:9: rule \"a\": unknown key \"prot\"") &&
                   Contains("mean \"protocol\""));
    CHECK_THAT(error("  - name: web\n    rules:\n"),
               StartsWith("a.yaml:3:5: group \"web\": rules: this is no list of rules") &&
                   Contains("- name:"));
    CHECK_THAT(error("  - rules: []\n"), StartsWith("a.yaml:2:12: group 1: rules: "));
    CHECK_THAT(error("  - rules: {name: a, action: drop}\n"), StartsWith("a.yaml:2:12: "));
    CHECK_THAT(error("  - rules:\n      - text\n"), StartsWith("a.yaml:3:9: rule 1: "));
    CHECK_THAT(error("  - port: x\n    rules: [{name: a, action: drop}]\n"),
               StartsWith("a.yaml:2:11: group 1: port: "));
    for (const char* key : {"action: drop", "log: journal"})
        CHECK_THAT(error("  - name: web\n    " + std::string(key) +
                         "\n    rules: [{name: a, action: drop}]\n"),
                   StartsWith("a.yaml:3:5: group \"web\": unknown key"));
    CHECK_THAT(error("  - name: no name\n    rules: [{name: a, action: drop}]\n"),
               StartsWith("a.yaml:2:11: group 1: name: "));
}

TEST_CASE("names are unique over groups, and a group's own name is no rule's") {
    CHECK_THAT(refusal_of({"rules:\n  - rules:\n      - {name: a, action: drop}\n"
                           "  - rules:\n      - {name: a, action: drop}\n"}),
               StartsWith("a.yaml:5:10: rule name \"a\" is taken by the rule in line 3"));
    CHECK(refusal_of({"rules: [{name: a, rules: [{name: a, action: drop}]}]"}) == "accepted");
    CHECK_THAT(refusal_of({"rules:\n  - rules:\n      - {name: a, action: drop}\n",
                           "rules:\n  - rules:\n      - {name: a, action: drop}\n"}),
               StartsWith("b.yaml:3:10: rule name \"a\" is taken: it is first used in a.yaml:3:10"));
}

TEST_CASE("a contradiction between a group and its rule is seen") {
    const auto error = [](const std::string& group, const std::string& rule) {
        return refusal_of({"rules: [{" + group + ", rules: [{name: a, " + rule + ", action: drop}]}]"});
    };
    CHECK_THAT(error("protocol: icmp", "port: 80"), Contains("rule \"a\": port: ") &&
                                                        Contains("no ports"));
    CHECK_THAT(error("port: 80", "protocol: icmp"), Contains("rule \"a\": port: "));
    CHECK_THAT(error("direction: in", "domain: example.org"), Contains("rule \"a\": domain: "));
    CHECK_THAT(error("app: unknown", "user: alice"), Contains("rule \"a\": user: "));
    CHECK_THAT(error("app: unknown", "unit: ssh.service"), Contains("rule \"a\": app: "));
    CHECK(error("app: /usr/bin/python3", "script: /opt/run.py") == "accepted");
    CHECK(error("protocol: tcp", "port: 80") == "accepted");
    // Both must be met, so what the rule itself says counts no less.
    CHECK_THAT(error("protocol: [tcp, udp]", "protocol: icmp, port: 80"), Contains("no ports"));
    CHECK_THAT(error("app: /usr/bin/curl", "app: unknown, user: alice"), Contains("user: "));
}

TEST_CASE("a rule of a group is written without the conditions that it inherits") {
    const auto rules = parsed(web);
    CHECK(format_rule(rules[1]) ==
          "- name: a\n  protocol: [tcp, udp]\n  port: 443\n  not:\n    user: bob\n"
          "  action: accept\n  tags: [office, net]\n");
    CHECK(format_rule(rules[2]).find("10.0.0.0") == std::string::npos);
}
