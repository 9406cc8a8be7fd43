// SPDX-License-Identifier: GPL-2.0-or-later
// The map that forgets what was not asked for longest.
#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>

#include "fwd/lru.hpp"

using namespace doorward;

namespace {

using Map = Lru<int, std::shared_ptr<const std::string>, std::hash<int>>;

std::shared_ptr<const std::string> text(const char* of) { return std::make_shared<const std::string>(of); }

}  // namespace

TEST_CASE("a full map forgets what was not asked for longest, and nothing else") {
    Map map(3);
    for (const int key : {1, 2, 3}) map.put(key, text("first"));
    REQUIRE(map.find(1));
    map.put(4, text("fourth"));
    CHECK_FALSE(map.find(2));
    for (const int key : {1, 3}) CHECK(**map.find(key) == "first");
    CHECK(**map.find(4) == "fourth");
    CHECK(map.size() == 3);
    CHECK(map.evicted() == 1);
    map.put(2, text("again"));  // 1 is the oldest by now
    CHECK_FALSE(map.find(1));
    CHECK(**map.find(2) == "again");
    CHECK(map.evicted() == 2);
}

TEST_CASE("a value that is replaced or forgotten is let go of") {
    Map map(2);
    const auto value = text("value");
    map.put(1, value);
    CHECK(map.put(1, text("other")) != value);
    CHECK(value.use_count() == 1);
    CHECK(map.size() == 1);
    map.put(2, value);
    map.put(3, nullptr);
    map.put(4, nullptr);
    CHECK(value.use_count() == 1);
    CHECK(map.entries().front().first == 4);
    CHECK(map.entries().back().first == 3);
}

TEST_CASE("a map without room keeps what was put last") {
    Map map(0);
    map.put(1, text("one"));
    map.put(2, text("two"));
    CHECK_FALSE(map.find(1));
    CHECK(**map.find(2) == "two");
    CHECK(map.size() == 1);
}
