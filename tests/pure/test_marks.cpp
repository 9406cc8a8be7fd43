// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "fwd/marks.hpp"

using namespace doorward;

TEST_CASE("a mark mask is one run of at least three bits", "[marks]") {
    for (const std::uint32_t mask : {0x7f000000u, 0x7u, 0xffffffffu, 0xe0000000u, 0x00ff0000u}) {
        CHECK(Marks::valid(mask));
    }
    for (const std::uint32_t mask : {0u, 0x1u, 0x3u, 0xc0000000u, 0x5u, 0x7f000001u, 0xf0f0u}) {
        CHECK_FALSE(Marks::valid(mask));
    }
}

TEST_CASE("generations differ from each other and from the other values", "[marks]") {
    for (const std::uint32_t mask : {0x7u, 0x7f000000u, 0xffffffffu, 0xe0000000u}) {
        const Marks marks(mask);
        std::set<std::uint32_t> values{0, marks.reject(), marks.reply()};
        const std::uint32_t some = std::min(marks.generations(), 200u);
        for (std::uint32_t number = 0; number < some; ++number) {
            const std::uint32_t value = marks.generation(number);
            CHECK((value & ~mask) == 0);
            CHECK(values.insert(value).second);
        }
        CHECK(marks.generation(marks.generations()) == marks.generation(0));
        CHECK((marks.generation(marks.generations() - 1) & ~mask) == 0);
    }
}

TEST_CASE("merging keeps the bits of others", "[marks]") {
    const Marks marks(0x7f000000);
    CHECK(marks.merge(0xff00abcd, marks.reject()) == 0x8100abcd);
    CHECK(marks.merge(0xff00abcd, 0) == 0x8000abcd);
    CHECK(marks.ours(0xff00abcd) == 0x7f000000);
}
