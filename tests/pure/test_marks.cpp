// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "fwd/marks.hpp"

using namespace doorward;

TEST_CASE("a mark mask is one run of at least six bits", "[marks]") {
    for (const std::uint32_t mask : {0x7f000000u, 0x3fu, 0xffffffffu, 0xfc000000u, 0x00ff0000u}) {
        CHECK(Marks::valid(mask));
    }
    for (const std::uint32_t mask : {0u, 0x1u, 0x1fu, 0xf8000000u, 0x5u, 0x7f000001u, 0xfcfcu}) {
        CHECK_FALSE(Marks::valid(mask));
    }
}

TEST_CASE("generations differ from each other and from the other values", "[marks]") {
    for (const std::uint32_t mask : {0x3fu, 0x7f000000u, 0xffffffffu, 0xfc000000u}) {
        const Marks marks(mask);
        std::set<std::uint32_t> values{0, marks.reject(), marks.reply(), marks.none_yet()};
        const std::uint32_t some = std::min(marks.generations(), 200u);
        for (std::uint32_t number = 0; number < some; ++number) {
            const std::uint32_t value = marks.generation(number);
            CHECK((value & ~mask) == 0);
            CHECK((value & marks.slot_mask()) == 0);
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

TEST_CASE("a mark names a slot only beside a generation", "[marks]") {
    const Marks marks(0x7f000000);
    for (const std::uint32_t generation : {marks.generation(0), marks.generation(13), marks.none_yet()}) {
        CHECK(marks.slot(0x80000005 | generation) == 0);
        CHECK(marks.slot(0x80000005 | generation | marks.slot_bit(0)) == 1);
        CHECK(marks.slot(0x80000005 | generation | marks.slot_mask()) == 7);
    }
    CHECK(marks.slot(marks.reject()) == 0);
    CHECK(marks.slot(marks.reply()) == 0);
    CHECK(marks.slot(marks.reply() | marks.slot_bit(1)) == 2);
    CHECK(marks.is_reply(0x80000005 | marks.reply() | marks.slot_mask()));
    for (const std::uint32_t other : {0u, marks.reject(), marks.none_yet(), marks.generation(0)})
        CHECK_FALSE(marks.is_reply(other));
}

TEST_CASE("an accepted packet keeps its slot and the bits of others", "[marks]") {
    const Marks marks(0x7f000000);
    const std::uint32_t sent = marks.merge(0x80000005, marks.generation(3) | marks.slot_bit(1));
    CHECK(marks.accept(sent, marks.generation(3)) == sent);
    CHECK(marks.accept(marks.merge(5, marks.reply()), marks.generation(3)) ==
          marks.merge(5, marks.generation(3)));
}
