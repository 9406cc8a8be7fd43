// SPDX-License-Identifier: GPL-2.0-or-later
// Edits of files that have groups of rules, sets and profiles in them.
#include <catch2/catch.hpp>

#include <string>

#include "rules/rule_edit.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

namespace {

constexpr std::string_view sample = R"(sets:
  web: {ports: [80, 443]}

rules:
  # all of the web
  - name: web
    app: /usr/bin/curl
    rules:
      # the first
      - name: a
        port: set:web
        action: accept

      - name: b   # stays
        enabled: false
        # inside b
        action: drop
    # of the group
    tags: net

  - name: rest
    action: drop

profiles:
  office: {interface: eth0}
)";

const std::string added = "  - name: new\n    app: /usr/bin/wget\n    action: drop\n";

Rule new_rule(std::string name = "new") {
    Rule rule;
    rule.name = std::move(name);
    return rule.add(Condition::app, {"/usr/bin/wget"});
}

std::string done(const Result<std::string>& result) {
    INFO((result ? std::string() : result.error().text()));
    REQUIRE(result);
    return *result;
}

std::string refused(const Result<std::string>& result) {
    INFO(result.value_or(""));
    REQUIRE_FALSE(result);
    CHECK_FALSE(result.error().remedy.empty());
    return result.error().text();
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out(text);
    const auto at = out.find(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
}

std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

}  // namespace

TEST_CASE("a new rule goes before the group that stands first, not into it") {
    const auto text = done(insert_first(sample, new_rule(), "f"));
    INFO(text);
    const auto at = text.find("rules:\n" + added);
    REQUIRE(at != std::string::npos);
    std::string without = text;
    without.erase(at + 7, added.size() + (text[at + 7 + added.size()] == '\n' ? 1 : 0));
    CHECK(without == sample);
    const auto rules = parse_rules(text, "f").value();
    REQUIRE(rules.size() == 4);
    CHECK(rules[0].name == "new");
    CHECK(rules[0].terms.size() == 1);
    CHECK(rules[1].name == "a");
    CHECK(done(insert_first("rules:\n- rules:\n  - name: a\n    action: drop\n", new_rule(), "f")) ==
          "rules:\n- name: new\n  app: /usr/bin/wget\n  action: drop\n"
          "- rules:\n  - name: a\n    action: drop\n");
}

TEST_CASE("a new rule goes before a group within a group") {
    constexpr std::string_view text =
        "rules:\n  - tags: x\n    rules:\n      - tags: y\n        rules:\n"
        "          - name: a\n            action: drop\n  - name: b\n    action: drop\n";
    CHECK(done(insert_first(text, new_rule(), "f")) == replaced(text, "rules:\n", "rules:\n" + added));
}

TEST_CASE("a rule of a group is removed, with its comments and nothing else") {
    CHECK(done(remove_rule(sample, "a", "f")) == replaced(sample, R"(      # the first
      - name: a
        port: set:web
        action: accept

)", ""));
    const auto without_b = done(remove_rule(sample, "b", "f"));
    CHECK(without_b.find("# inside b") == std::string::npos);
    CHECK_THAT(without_b, Contains("    tags: net\n") && Contains("# the first"));
    const auto rules = parse_rules(without_b, "f").value();
    REQUIRE(rules.size() == 2);
    CHECK(rules[0].tags == std::vector<std::string>{"net"});
    CHECK(done(remove_rule(sample, "rest", "f")) ==
          replaced(sample, "  - name: rest\n    action: drop\n\n", ""));
}

TEST_CASE("comments of a group stay when its last rule is removed") {
    const auto without_b = done(remove_rule(sample, "b", "f"));
    INFO(without_b);
    CHECK(without_b.find("    # of the group\n") != std::string::npos);
}

TEST_CASE("the only rule of a group can't be removed without the group") {
    constexpr std::string_view text =
        "rules:\n  - tags: x\n    rules:\n      - name: a\n        action: drop\n"
        "  - name: b\n    action: drop\n";
    CHECK_THAT(refused(remove_rule(text, "a", "f")), Contains("by hand") && Contains("f:4:9"));
    CHECK(done(remove_rule(text, "b", "f")) == replaced(text, "  - name: b\n    action: drop\n", ""));
}

TEST_CASE("a rule of a group is enabled and disabled where it stands") {
    CHECK(done(set_enabled(sample, "a", false, "f")) ==
          replaced(sample, "      - name: a\n", "      - name: a\n        enabled: false\n"));
    CHECK(done(set_enabled(sample, "b", true, "f")) ==
          replaced(sample, "        enabled: false\n", "        enabled: true\n"));
    CHECK(done(set_enabled(sample, "b", false, "f")) == sample);
    CHECK(done(set_enabled(sample, "rest", false, "f")) ==
          replaced(sample, "  - name: rest\n", "  - name: rest\n    enabled: false\n"));
}

TEST_CASE("a rule of a group that is off can't be switched on by itself") {
    constexpr std::string_view text = "rules:\n  - enabled: false\n    rules:\n      - name: a\n"
                                      "        action: drop\n";
    CHECK_THAT(refused(set_enabled(text, "a", true, "f")), Contains("enable rule \"a\""));
    CHECK(done(set_enabled(text, "a", false, "f")) == text);
}

TEST_CASE("a group is no rule to be changed by its name") {
    CHECK_THAT(refused(remove_rule(sample, "web", "f")), Contains("no rule \"web\""));
    CHECK_THAT(refused(set_enabled(sample, "web", false, "f")), Contains("no rule \"web\""));
    // Its name is free for a rule.
    CHECK(parse_rules(done(insert_first(sample, new_rule("web"), "f")), "f").value().size() == 4);
    CHECK_THAT(refused(insert_first(sample, new_rule("a"), "f")), Contains("f:10:9: "));
}

TEST_CASE("enabling a rule whose group has keys below it touches that rule alone") {
    constexpr std::string_view text =
        "rules:\n  - rules:\n      - name: a\n        action: drop\n    enabled: true\n";
    CHECK(done(set_enabled(text, "a", false, "f")) ==
          replaced(text, "      - name: a\n", "      - name: a\n        enabled: false\n"));
}

TEST_CASE("line ends of files with groups are kept") {
    const auto text = crlf(sample);
    CHECK(done(insert_first(text, new_rule(), "f")) == crlf(done(insert_first(sample, new_rule(), "f"))));
    CHECK(done(remove_rule(text, "a", "f")) == crlf(done(remove_rule(sample, "a", "f"))));
    CHECK(done(set_enabled(text, "b", true, "f")) == crlf(done(set_enabled(sample, "b", true, "f"))));
}

TEST_CASE("rules in flow style within a group are left alone") {
    constexpr std::string_view text =
        "rules:\n  - tags: x\n    rules:\n      - {name: a, action: drop}\n"
        "      - {name: b, action: drop}\n";
    CHECK_THAT(refused(remove_rule(text, "a", "f")), Contains("by hand"));
    CHECK_THAT(refused(set_enabled(text, "a", false, "f")), Contains("by hand"));
    CHECK(done(insert_first(text, new_rule(), "f")) == replaced(text, "rules:\n", "rules:\n" + added));
    refused(insert_first("rules: [{rules: [{name: a, action: drop}]}]\n", new_rule(), "f"));
}

TEST_CASE("a file of sets alone takes a rule") {
    constexpr std::string_view text = "sets:\n  web: {ports: 80}\n";
    const auto after = done(insert_first(text, new_rule(), "f"));
    CHECK(after.starts_with(text));
    CHECK(parse_rules(after, "f").value().size() == 1);
    CHECK(parse_rule_pack(after, "f").value()->sets().size() == 1);
}

TEST_CASE("rules with every kind of new key are inserted as they are") {
    Rule rule = new_rule();
    rule.add(Condition::to, {"lan", "set:web"}).add(Condition::port, {"22"}, true);
    rule.tags = {"office"};
    const auto rules = parse_rules(done(insert_first(sample, rule, "f")), "f").value();
    CHECK(same_rule(rules.front(), rule));
}
