// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <string>

#include "oracle.hpp"
#include "rule_values.hpp"
#include "rules/condition_text.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::vector<Rule> parsed(std::string_view text) {
    auto rules = parse_rules(text, "t.yaml");
    INFO((rules ? std::string() : rules.error().text()));
    REQUIRE(rules);
    return *rules;
}

std::string error(std::string_view text) {
    const auto rules = parse_rules(text, "t.yaml");
    INFO(text);
    REQUIRE_FALSE(rules);
    CHECK_FALSE(rules.error().what.empty());
    return rules.error().text();
}

// The error of a file with one rule that has the given line, indented to column 5, as its third.
std::string line_error(const std::string& line) {
    return error("rules:\n  - name: web\n    " + line + "\n    action: drop\n");
}

}  // namespace

TEST_CASE("every key of a rule is read") {
    const auto rules = parsed(R"(# comment
rules:
  - name: curl-to-docs   # comment
    app: [/usr/bin/curl, "/opt/**/tool", "unknown:no-binding"]
    user: [alice, 1000]
    direction: out
    protocol: [tcp, 47]
    to: 203.0.113.0/24
    from: [10.0.0.1, "2001:db8::/32"]
    port: [443, 8000-8080]
    domain: [Example.org, "*.example.net"]
    action: reject
    log: journal
    enabled: false
    expires: 2027-01-31T18:00:00Z
    comment: why this is here
  - name: other
    action: accept
)");
    REQUIRE(rules.size() == 2);
    const auto& rule = rules[0];
    CHECK(rule.name == "curl-to-docs");
    CHECK(rule.place == Place{"t.yaml", 3, 5});
    REQUIRE(values_of(rule, Condition::app) ==
            Texts{"/usr/bin/curl", "/opt/**/tool", "unknown:no-binding"});
    CHECK(place_of(rule, Condition::app, 0) == Place{"t.yaml", 4, 11});
    REQUIRE(values_of(rule, Condition::user) == Texts{"alice", "1000"});
    CHECK(place_of(rule, Condition::user, 1) == Place{"t.yaml", 5, 19});
    CHECK(values_of(rule, Condition::direction) == Texts{"out"});
    CHECK(values_of(rule, Condition::protocol) == Texts{"tcp", "47"});
    CHECK(values_of(rule, Condition::to) == Texts{"203.0.113.0/24"});
    CHECK(values_of(rule, Condition::from) == Texts{"10.0.0.1", "2001:db8::/32"});
    CHECK(values_of(rule, Condition::port) == Texts{"443", "8000-8080"});
    REQUIRE(values_of(rule, Condition::domain) == Texts{"example.org", "*.example.net"});
    CHECK(place_of(rule, Condition::domain, 1) == Place{"t.yaml", 11, 27});
    CHECK(rule.action == Action::reject);
    CHECK(rule.log == LogLevel::journal);
    CHECK_FALSE(rule.enabled);
    CHECK(rule.expires == 1801418400);
    CHECK(rule.comment == "why this is here");

    CHECK(rules[1].terms.empty());
    CHECK_FALSE(rules[1].expires);
    CHECK(rules[1].enabled);
    CHECK(rules[1].log == LogLevel::audit);
    CHECK(parse_log_level("each") == LogLevel::each);
    CHECK(log_level_name(LogLevel::each) == "each");
    CHECK_FALSE(parse_log_level("every"));
    CHECK(rules[1].action == Action::accept);
}

TEST_CASE("files without rules") {
    for (const char* text : {"", "\n\n", "# only this\n", "rules:\n", "rules: []\n", "{}\n",
                             "---\n", "rules:   # none yet\n"}) {
        INFO(text);
        CHECK(parsed(text).empty());
    }
}

TEST_CASE("what a file must be") {
    CHECK_THAT(error("- name: a\n  action: drop\n"), StartsWith("t.yaml:1:1: the rule file: "));
    CHECK_THAT(error("just text\n"), Contains("rules"));
    CHECK_THAT(error("rule:\n  - name: a\n"), StartsWith("t.yaml:1:1: ") && Contains("\"rule\""));
    CHECK_THAT(error("rules: 7\n"), StartsWith("t.yaml:1:8: ") && Contains("- name:"));
    CHECK_THAT(error("rules:\n  name: a\n  action: drop\n"), StartsWith("t.yaml:2:3: "));
    CHECK_THAT(error("rules:\n  -\n"), Contains("t.yaml:"));
    CHECK_THAT(error("rules:\n  - web\n"), StartsWith("t.yaml:2:5: rule 1: "));
    CHECK_THAT(error("rules:\n  - [name, web]\n"), StartsWith("t.yaml:2:5: rule 1: "));
    CHECK_THAT(error("rules:\n  - name: a\n   action: drop\n"), StartsWith("t.yaml:3:"));
    CHECK_THAT(error("rules: []\nrules: []\n"), StartsWith("t.yaml:2:1: "));
    CHECK_THAT(error("rules: []\n---\nrules: []\n"), StartsWith("t.yaml:2:"));
    CHECK_THAT(error("rules:\n  - &a {name: a, action: drop}\n  - *a\n"), Contains("anchors"));
}

TEST_CASE("name and action are required") {
    CHECK_THAT(error("rules:\n  - app: /usr/bin/curl\n    action: drop\n"),
               StartsWith("t.yaml:2:5: rule 1: there is no name"));
    CHECK_THAT(error("rules:\n  - name: a\n    action: drop\n  - name: b\n"),
               StartsWith("t.yaml:4:5: rule \"b\": there is no action"));
}

TEST_CASE("unknown, double and empty keys are errors") {
    CHECK_THAT(line_error("prot: tcp"),
               StartsWith("t.yaml:3:5: rule \"web\": unknown key \"prot\"") &&
                   Contains("did you mean \"protocol\"? known keys are name, "));
    CHECK_THAT(line_error("Port: 80"), StartsWith("t.yaml:3:5: ") && Contains("mean \"port\""));
    CHECK_THAT(line_error("name: again"), StartsWith("t.yaml:3:5: "));
    CHECK_THAT(line_error("to:"), StartsWith("t.yaml:3:5: rule \"web\": to: "));
    CHECK_THAT(line_error("to: []"), StartsWith("t.yaml:3:9: rule \"web\": to: the list is empty"));
    CHECK_THAT(line_error("port: [80, ]\n    app: []"), StartsWith("t.yaml:4:10: "));
    CHECK_THAT(line_error("app: \"\""), StartsWith("t.yaml:3:10: "));
    CHECK_THAT(line_error("user: \"\""), StartsWith("t.yaml:3:11: "));
    CHECK_THAT(line_error("app: {path: /usr/bin/curl}"), StartsWith("t.yaml:3:"));
}

TEST_CASE("names are short and plain, and unique within the file") {
    for (const std::string name : {"a b", "a/b", "../x", "a:b", "\"\"", "ä", "a;b", "$(x)"})
        CHECK_THAT(error("rules:\n  - action: drop\n    name: " + name + "\n"),
                   StartsWith("t.yaml:3:11: rule 1: name: "));
    CHECK(parse_rule_name(std::string(64, 'x')));
    CHECK_FALSE(parse_rule_name(std::string(65, 'x')));
    CHECK_FALSE(parse_rule_name(std::string_view("a\0b", 3)));
    CHECK_THAT(error("rules:\n  - {name: a, action: drop}\n  - {name: a, action: drop}\n"),
               StartsWith("t.yaml:3:6: rule name \"a\" is taken by the rule in line 2"));
}

TEST_CASE("values of a fixed set") {
    CHECK_THAT(error("rules:\n  - name: a\n    action: allow\n"),
               StartsWith("t.yaml:3:13: rule \"a\": action: \"allow\" is not an action (use accept"));
    CHECK_THAT(line_error("direction: both"), StartsWith("t.yaml:3:16: "));
    CHECK_THAT(line_error("direction: [in, out]"), StartsWith("t.yaml:3:16: "));
    CHECK_THAT(line_error("log: debug"), StartsWith("t.yaml:3:10: "));
    CHECK_THAT(line_error("enabled: yes"),
               StartsWith("t.yaml:3:14: ") && Contains("true or false"));
    CHECK_THAT(line_error("protocol: [tcp, tpc]"), StartsWith("t.yaml:3:21: ") && Contains("tpc"));
    CHECK_THAT(line_error("protocol: 256"), StartsWith("t.yaml:3:15: "));
    CHECK_THAT(line_error("expires: 2027-01-31"),
               StartsWith("t.yaml:3:14: ") && Contains("2027-01-31T18:00:00Z"));
}

TEST_CASE("programs are absolute, normal paths, patterns or unknown") {
    CHECK(parse_app("/usr/bin/curl")->kind == AppPattern::Kind::path);
    CHECK(parse_app("/opt/**/tool")->kind == AppPattern::Kind::glob);
    CHECK(parse_app("unknown:no-binding")->kind == AppPattern::Kind::unknown);
    CHECK(parse_app("unknown:no-binding")->reason == Unknown::no_binding);
    for (const char* text : {"curl", "./curl", "~/bin/x", "*", "**/curl", "/", "/usr/bin/", "//usr",
                             "/usr//bin", "/usr/./bin", "/usr/../bin/x", "/usr/..", "/opt/*/",
                             "/a[",
                             "/opt/***", "unknown:", "unknown:none", "unknown:mars", "Unknown", "",
                             "/a\tb", "/opt/*/../x", "user:", "user:/", "user:a", "user:/a/../b", "user:user:/a"}) {
        INFO(text);
        CHECK_FALSE(parse_app(text));
    }
    for (const char* text : {"/usr/bin/curl", "/a", "/a/..b/.c/...", "/opt/My App/x",
                             "/usr/bin/\\[",
                             "/**", "/opt/*", "/é", "unknown", "unknown:kernel", "user:/a", "user:/**"}) {
        INFO(text);
        CHECK(parse_app(text));
    }
    CHECK_FALSE(parse_app("/" + std::string(4095, 'a')));
    CHECK(parse_app("/" + std::string(4094, 'a')));
    CHECK_THAT(line_error("app: curl"), StartsWith("t.yaml:3:10: rule \"web\": app: ") &&
                                            Contains("/usr/bin/curl"));
    CHECK_THAT(line_error("app: [/bin/a, '/usr/bin/[']"), StartsWith("t.yaml:3:19: "));
    CHECK_THAT(line_error("app: unknown:mars"), Contains("no-binding, no-listener, kernel"));
}

TEST_CASE("users") {
    for (const char* text : {"alice", "0", "4294967294", "www-data", "_apt", "DOM\\alice", "svc$"})
        CHECK(parse_user(text));
    for (const char* text : {"", "4294967295", "99999999999999999999", "007", "-1", "+1", "a:b"})
        CHECK_FALSE(parse_user(text));
}

TEST_CASE("addresses say what is wrong with them") {
    CHECK_THAT(line_error("to: 203.0.113.7/24"), Contains("write 203.0.113.0/24"));
    CHECK_THAT(line_error("to: [10.0.0.0/8, 2001:db8::1/32]"),
               StartsWith("t.yaml:3:22: ") && Contains("write 2001:db8::/32"));
    CHECK_THAT(line_error("to: example.org"), Contains("host names belong under domain"));
    for (const char* text : {"", "10.0.0.0/33", "10.0.0", "10.0.0.0/", "/8", "2001:db8::/129",
                             "010.0.0.1", "10.0.0.0/08", "fe80::1%eth0", "10.0.0.0/8/8"})
        CHECK_FALSE(parse_prefix(text));
}

TEST_CASE("ports and ranges") {
    CHECK(parse_ports("0-65535").value() == PortRange{0, 65535});
    CHECK(parse_ports("80-80").value() == PortRange{80, 80});
    for (const char* text : {"", "-", "80-", "-80", "65536", "70000", "080", "0x50", "80-90-100",
                             "http", "8 0", "80 - 90", "+80", "22:30", "1e3", "80,90"})
        CHECK_FALSE(parse_ports(text));
    CHECK_THAT(line_error("port: 90-80"), Contains("write 80-90"));
    CHECK_THAT(line_error("port: [80, 70000]"), StartsWith("t.yaml:3:16: "));
}

TEST_CASE("rules that could never match are refused") {
    CHECK_THAT(line_error("protocol: [icmp, icmpv6]\n    port: 80"),
               StartsWith("t.yaml:4:11: ") && Contains("have no ports"));
    CHECK_THAT(line_error("app: unknown\n    user: alice"), StartsWith("t.yaml:4:11: "));
    CHECK_THAT(line_error("direction: in\n    domain: example.org"), StartsWith("t.yaml:4:13: "));
    CHECK(parsed("rules: [{name: a, protocol: [icmp, tcp], port: 80, action: drop}]").size() == 1);
    CHECK(parsed("rules: [{name: a, app: [unknown, /x], user: 1, action: drop}]").size() == 1);
}

TEST_CASE("comments are one line") {
    constexpr const char* folded =
        "rules:\n  - name: a\n    action: drop\n    comment: >-\n      two\n      lines\n";
    CHECK(parsed(folded)[0].comment == "two lines");
    CHECK_THAT(line_error("comment: \"a\\nb\""), StartsWith("t.yaml:3:14: "));
    CHECK_THAT(line_error("comment: " + std::string(1025, 'x')), StartsWith("t.yaml:3:14: "));
}

TEST_CASE("a rule written out reads back the same") {
    Rule rule;
    rule.name = "null";
    rule.comment = "say \"no\" \\ to: # everything, é 'x' {a} [b] ";
    rule.add(Condition::app, {"/usr/bin/\\[", "/opt/My App, really: #1", "unknown:no-binding"});
    rule.add(Condition::user, {"null", "DOM\\alice", "7"});
    rule.add(Condition::to, {"::/0", "::"});
    rule.expires = 0;
    rule.enabled = false;
    rule.log = LogLevel::journal;
    const auto text = format_rule(rule);
    INFO(text);
    CHECK(text.starts_with("- name: "));
    CHECK(text.ends_with("\n"));
    CHECK(same_rule(parsed("rules:\n" + text)[0], rule));

    Rule plain;
    plain.name = "curl-to-docs";
    plain.action = Action::accept;
    plain.add(Condition::app, {"/usr/bin/curl"}).add(Condition::port, {"443", "8000-8080"});
    CHECK(format_rule(plain) ==
          "- name: curl-to-docs\n  app: /usr/bin/curl\n  port: [443, 8000-8080]\n"
          "  action: accept\n");
}

TEST_CASE("random rules written out read back the same") {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        INFO("seed " << seed);
        oracle::Generator generator(seed);
        std::string text = "rules:\n";
        std::vector<Rule> kept;
        for (auto& rule : generator.rules(12)) {
            const auto one = parse_rules("rules:\n" + format_rule(rule), "t");
            if (!one) continue;  // contradicts itself, such as a port for ICMP
            REQUIRE(same_rule(one->front(), rule));
            text += format_rule(rule);
            kept.push_back(rule);
        }
        REQUIRE(same_rules(parsed(text), kept));
    }
}
