// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "cli/add_rule.hpp"
#include "cli/rule_options.hpp"

using namespace doorward;

TEST_CASE("lengths of time") {
    CHECK(*parse_duration("90s") == 90);
    CHECK(*parse_duration("20m") == 1200);
    CHECK(*parse_duration("2h") == 7200);
    CHECK(*parse_duration("7d") == 604800);
    CHECK(*parse_duration("36500d") == 36500LL * 86400);
    for (const char* wrong : {"", "m", "20", "0m", "-1m", "1.5h", "20 m", "20mm", "20w", "m20",
                              "+5m", "36501d", "99999999999999999999d"}) {
        INFO(wrong);
        CHECK_FALSE(parse_duration(wrong));
    }
}

TEST_CASE("suggested names say what the rule is about, in characters a name may have") {
    const auto name = [](const std::string& app, std::vector<std::string> ports,
                         std::vector<std::string> to) {
        Rule rule;
        if (!app.empty()) rule.add(Condition::app, {app});
        if (!ports.empty()) rule.add(Condition::port, std::move(ports));
        if (!to.empty()) rule.add(Condition::to, std::move(to));
        return suggested_name("deny", rule);
    };
    CHECK(name("/usr/bin/curl", {}, {}) == "deny-curl");
    CHECK(name("/usr/bin/curl", {"443", "80"}, {"10.0.0.0/8"}) == "deny-curl-443");
    CHECK(name("/usr/bin/curl", {}, {"10.0.0.0/8"}) == "deny-curl-10.0.0.0-8");
    CHECK(name("/usr/bin/curl", {}, {"2001:db8::/32"}) == "deny-curl-2001-db8-32");
    CHECK(name("/opt/My App (1)", {}, {}) == "deny-My-App-1");
    CHECK(name("/opt/*/x", {}, {}) == "deny-x");
    CHECK(name("/opt/**", {}, {}) == "deny");
    CHECK(name("", {}, {}) == "deny-any");
    CHECK(name("/x/" + std::string(300, 'y'), {"1"}, {}).size() <= 60);
}

TEST_CASE("positions in words") {
    CHECK(position_text(1, 1) == "as the only rule");
    CHECK(position_text(1, 3) == "first of 3 rules");
    CHECK(position_text(2, 3) == "as number 2 of 3 rules");
    CHECK(position_text(3, 3) == "last of 3 rules");
}
