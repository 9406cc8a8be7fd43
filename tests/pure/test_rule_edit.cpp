// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <string>

#include "rules/rule_edit.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

namespace {

constexpr std::string_view sample = R"(# Rules of this host.

rules:
  # curl may read the docs
  # and nothing else
  - name: curl   # stays
    app: /usr/bin/curl
    action: accept
    # inside curl

  # about names

  - name: dns
    protocol: udp
    port: 53
    action: accept

  # the end
  - action: drop
    name: rest
)";

Rule new_rule(std::string name = "new") {
    Rule rule;
    rule.name = std::move(name);
    rule.action = Action::drop;
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

TEST_CASE("removing a rule takes its own comments and leaves the others") {
    CHECK(done(remove_rule(sample, "curl", "f")) == replaced(sample, R"(  # curl may read the docs
  # and nothing else
  - name: curl   # stays
    app: /usr/bin/curl
    action: accept
    # inside curl

)", ""));
    CHECK(done(remove_rule(sample, "dns", "f")) == replaced(sample, R"(  - name: dns
    protocol: udp
    port: 53
    action: accept

)", ""));
    CHECK(done(remove_rule(sample, "rest", "f")) == replaced(sample, R"(
  # the end
  - action: drop
    name: rest
)", ""));
}

TEST_CASE("a comment between rules without a blank line belongs to the rule below") {
    constexpr std::string_view text =
        "rules:\n- name: a\n  action: drop\n# about b\n- name: b\n  action: drop\n";
    CHECK(done(remove_rule(text, "a", "f")) == "rules:\n# about b\n- name: b\n  action: drop\n");
    CHECK(done(remove_rule(text, "b", "f")) == "rules:\n- name: a\n  action: drop\n");
}

TEST_CASE("a comment that looks like one but is text of the rule above is not taken") {
    constexpr std::string_view text = "rules:\n  - name: a\n    action: drop\n    comment: |-\n"
                                      "      # text\n  - name: b\n    action: drop\n";
    CHECK(done(remove_rule(text, "b", "f")) ==
          "rules:\n  - name: a\n    action: drop\n    comment: |-\n      # text\n");
}

TEST_CASE("removing the last rule leaves a file that new rules can go into") {
    const std::string text = "# top\nrules:\n  - name: a\n    action: drop\n";
    const auto empty = done(remove_rule(text, "a", "f"));
    CHECK(empty == "# top\nrules:\n");
    CHECK(done(insert_first(empty, new_rule(), "f")) ==
          "# top\nrules:\n  - name: new\n    app: /usr/bin/wget\n    action: drop\n");
}

TEST_CASE("a new rule goes first, above the comments of the one that was") {
    CHECK(done(insert_first(sample, new_rule(), "f")) ==
          replaced(sample, "rules:\n",
                   "rules:\n  - name: new\n    app: /usr/bin/wget\n    action: drop\n\n"));
    CHECK(done(insert_first("rules:\n- name: a\n  action: drop\n- name: b\n  action: drop\n",
                            new_rule(), "f")) ==
          "rules:\n- name: new\n  app: /usr/bin/wget\n  action: drop\n"
          "- name: a\n  action: drop\n- name: b\n  action: drop\n");
}

TEST_CASE("a new rule goes into files without rules") {
    const std::string rule = "  - name: new\n    app: /usr/bin/wget\n    action: drop\n";
    CHECK(done(insert_first("", new_rule(), "f")) == "rules:\n" + rule);
    CHECK(done(insert_first("# only this", new_rule(), "f")) == "# only this\nrules:\n" + rule);
    CHECK(done(insert_first("rules:", new_rule(), "f")) == "rules:\n" + rule);
    CHECK(done(insert_first("rules: []", new_rule(), "f")) == "rules:\n" + rule);
    CHECK(done(insert_first("rules: []  # none\n# end\n", new_rule(), "f")) ==
          "rules:  # none\n" + rule + "# end\n");
    CHECK(done(insert_first("---\nrules:   # none\n", new_rule(), "f")) ==
          "---\nrules:   # none\n" + rule);
}

TEST_CASE("enabling and disabling change one word or add one line") {
    const auto off = done(set_enabled(sample, "dns", false, "f"));
    CHECK(off == replaced(sample, "  - name: dns\n", "  - name: dns\n    enabled: false\n"));
    CHECK(done(set_enabled(off, "dns", true, "f")) ==
          replaced(sample, "  - name: dns\n", "  - name: dns\n    enabled: true\n"));
    CHECK(done(set_enabled(sample, "dns", true, "f")) == sample);
    CHECK(done(set_enabled(sample, "rest", false, "f")) ==
          replaced(sample, "  - action: drop\n", "  - action: drop\n    enabled: false\n"));
    CHECK(done(set_enabled("rules:\n- enabled: true  # now\n  name: a\n  action: drop", "a", false,
                           "f")) == "rules:\n- enabled: false  # now\n  name: a\n  action: drop");
    CHECK(done(set_enabled("rules:\n- name: a\n  app:\n    - /x\n  enabled:   false\n"
                           "  action: drop\n",
                           "a", true, "f")) ==
          "rules:\n- name: a\n  app:\n    - /x\n  enabled:   true\n  action: drop\n");
    CHECK(done(set_enabled("rules:\n- app:\n    - /x\n    - /y\n  name: a\n  action: drop\n", "a",
                           false, "f")) ==
          "rules:\n- app:\n    - /x\n    - /y\n  enabled: false\n  name: a\n  action: drop\n");
    CHECK(done(set_enabled("rules:\n  - name: a\n    action: drop", "a", false, "f")) ==
          "rules:\n  - name: a\n    enabled: false\n    action: drop");
}

TEST_CASE("line ends of the file are kept") {
    const auto text = crlf(sample);
    CHECK(done(remove_rule(text, "dns", "f")) == crlf(done(remove_rule(sample, "dns", "f"))));
    CHECK(done(set_enabled(text, "dns", false, "f")) ==
          crlf(done(set_enabled(sample, "dns", false, "f"))));
    CHECK(done(insert_first(text, new_rule(), "f")) ==
          crlf(done(insert_first(sample, new_rule(), "f"))));
}

TEST_CASE("what can't be edited safely is refused") {
    constexpr std::string_view flow =
        "rules:\n  - {name: a, action: drop}\n  - {name: b, action: drop}\n";
    for (const auto& text : {refused(remove_rule(flow, "a", "f")),
                             refused(set_enabled(flow, "b", false, "f")),
                             refused(insert_first(flow, new_rule(), "f"))})
        CHECK_THAT(text, Contains("by hand") && Contains("f:"));
    refused(remove_rule("rules: [{name: a, action: drop}]", "a", "f"));
    refused(remove_rule("rules:\n  -\n    name: a\n    action: drop\n", "a", "f"));
    refused(insert_first("{}", new_rule(), "f"));
    refused(insert_first("rules: [\n]\n", new_rule(), "f"));
    refused(insert_first("\"rules\": []\n", new_rule(), "f"));
    refused(set_enabled("rules:\n- name: a\n  action: drop\n  \"enabled\": true\n", "a", false,
                        "f"));
}

TEST_CASE("rules that are not there, names that are taken, files that are broken") {
    CHECK_THAT(refused(remove_rule(sample, "curls", "f")), Contains("no rule \"curls\""));
    CHECK_THAT(refused(set_enabled("", "a", true, "f")), Contains("no rule \"a\""));
    CHECK_THAT(refused(insert_first(sample, new_rule("dns"), "f")), Contains("f:13:5: "));
    refused(insert_first(sample, new_rule("no name"), "f"));
    CHECK_THAT(refused(remove_rule("rules:\n  - name: a\n", "a", "f")), Contains("action"));
    auto contradiction = new_rule();
    contradiction.add(Condition::protocol, {"icmp"}).add(Condition::port, {"80"});
    refused(insert_first(sample, contradiction, "f"));
}
