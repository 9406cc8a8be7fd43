// SPDX-License-Identifier: GPL-2.0-or-later
// The canonical form of rule files.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules/file_format.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

namespace {

std::string formatted(std::string_view text) {
    const auto once = format_rule_file(text, "f.yaml");
    INFO(std::string(text));
    INFO((once ? *once : once.error().text()));
    REQUIRE(once);
    const auto twice = format_rule_file(*once, "f.yaml");
    REQUIRE(twice);
    CHECK(*twice == *once);
    CHECK(sorted_comments(*once, "f").value() == sorted_comments(text, "f").value());
    return *once;
}

std::string refusal(std::string_view text) {
    const auto out = format_rule_file(text, "f.yaml");
    return out ? "formatted:\n" + *out : out.error().text();
}

}  // namespace

TEST_CASE("true and false stay what they are") {
    CHECK(formatted("rules: [{name: \"true\", enabled: false, comment: \"false\", action: drop}]\n") ==
          "rules:\n  - name: \"true\"\n    action: drop\n    enabled: false\n    comment: \"false\"\n");
}

TEST_CASE("a rule file in any style becomes the one that rules are shown in") {
    CHECK(formatted("# licence\n# head\nrules:\n- action:   accept # why not\n  app:\n"
                    "  - '/usr/bin/curl'\n  - \"/usr/bin/wget\"\n  # the ports\n  port: [443]\n"
                    "  name: 'web'\n\n\n\n# above b\n- {name: b, not: {port: [80, 81]}, action: drop} # behind b\n"
                    "# the end") ==
          "# licence\n# head\nrules:\n  - name: web\n    app: [/usr/bin/curl, /usr/bin/wget]\n"
          "    # the ports\n    port: 443\n    action: accept  # why not\n\n  # above b\n"
          "  # behind b\n  - name: b\n    not:\n      port: [80, 81]\n    action: drop\n# the end\n");
}

TEST_CASE("groups, sets and profiles keep their order; parts of the file stand apart") {
    CHECK(formatted("sets: {web: {ports: [80,443]}, near: {addresses: lan}} # sets\nprofiles:\n"
                    "  home: # mine\n    domain: home.example\n    gateway: 192.0.2.1\nrules:\n"
                    "  - rules:\n    - action: drop\n      name: a\n\n    - name: b\n"
                    "      action: drop\n      # inside b\n    # below b\n    app: /x\n  # below g\n"
                    "  - name: c\n    action: drop\n") ==
          "sets:  # sets\n  web:\n    ports: [80, 443]\n  near:\n    addresses: lan\n\nprofiles:\n"
          "  home:  # mine\n    gateway: 192.0.2.1\n    domain: home.example\n\nrules:\n"
          "  # below b\n  - app: /x\n    rules:\n      - name: a\n        action: drop\n\n"
          "      - name: b\n        action: drop\n        # inside b\n  # below g\n"
          "  - name: c\n    action: drop\n");
}

TEST_CASE("comments within lists stay where they are, and lists that are too long go one a line") {
    CHECK(formatted("rules:\n  - name: a\n    port: [80, # web\n      # tls\n      443] # both\n"
                    "    user: [root,\n      # and\n      alice]\n    action: drop\n") ==
          "rules:\n  - name: a\n    user:\n      - root\n      # and\n      - alice\n"
          "    port:  # both\n      - 80  # web\n      # tls\n      - 443\n    action: drop\n");
    std::string ports, lines;
    for (int i = 1000; i < 1030; ++i) {
        ports += std::to_string(i) + ",";
        lines += "      - " + std::to_string(i) + "\n";
    }
    CHECK(formatted("rules:\n  - {name: a, port: [" + ports + "], action: drop}\n") ==
          "rules:\n  - name: a\n    port:\n" + lines + "    action: drop\n");
}

TEST_CASE("what is in quotes is no comment") {
    CHECK(formatted("rules:\n  - name: a  # it's \"one\"\n    comment: 'it''s # none' # real\n"
                    "    app: \"/opt/a \\\" # b\"\n    action: drop\n") ==
          "rules:\n  - name: a  # it's \"one\"\n    app: \"/opt/a \\\" # b\"\n    action: drop\n"
          "    comment: \"it's # none\"  # real\n");
}

TEST_CASE("empty files and empty parts") {
    CHECK(formatted("") == "");
    CHECK(formatted("# only\n\n\n# comments") == "# only\n\n# comments\n");
    CHECK(formatted("---\nrules:   # none\n") == "rules:  # none\n");
    CHECK(formatted("rules: []\nsets: {}\n") == "rules: []\n\nsets: {}\n");
    CHECK(formatted("\xef\xbb\xbfrules:\r\n  # a\r\n  - name: a\r\n    action: drop\r\n") ==
          "rules:\n  # a\n  - name: a\n    action: drop\n");
}

TEST_CASE("what can't be written anew for certain is refused with its place") {
    CHECK_THAT(refusal("rules:\n  - name: a\n    comment: |\n      # no comment\n    action: drop\n"),
               Contains("f.yaml:3:14: "));
    CHECK_THAT(refusal("rules:\n  - name: a\n    comment: 'a'#b\n    action: drop\n"),
               Contains("f.yaml:3:17: "));
    CHECK_THAT(refusal("rules:\n  - name: a\n"), Contains("there is no action"));
}

TEST_CASE("the examples are in the canonical form") {
    int seen = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(DOORWARD_SOURCE_DIR "/examples")) {
        if (entry.path().parent_path().filename() != "rules.d") continue;
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        INFO(entry.path().string());
        CHECK(formatted(text.str()) == text.str());
        ++seen;
    }
    CHECK(seen >= 3);
}
