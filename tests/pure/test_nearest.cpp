// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <array>
#include <string>

#include "rules/nearest.hpp"

using namespace doorward;

TEST_CASE("near misses are recognised, other words are not") {
    constexpr std::array<std::string_view, 7> keys{"name", "app",    "user",   "protocol",
                                                   "port", "action", "enabled"};
    CHECK(nearest("actoin", keys) == "action");
    CHECK(nearest("Action", keys) == "action");
    CHECK(nearest("prot", keys) == "protocol");
    CHECK(nearest("proto", keys) == "protocol");
    CHECK(nearest("ports", keys) == "port");
    CHECK(nearest("apps", keys) == "app");
    CHECK(nearest("enable", keys) == "enabled");
    CHECK(nearest("nmae", keys) == "name");
    CHECK(nearest("colour", keys).empty());
    CHECK(nearest("x", keys).empty());
    CHECK(nearest("", keys).empty());
    CHECK(nearest("destination", keys).empty());
    CHECK(nearest(std::string(1000, 'a'), keys).empty());
    CHECK(nearest("app", {}).empty());
}
