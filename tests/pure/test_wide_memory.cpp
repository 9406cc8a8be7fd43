// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/wide_memory.hpp"

#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

using namespace doorward;

TEST_CASE("large tables begin where a wide page may, small ones anywhere") {
    std::vector<std::uint64_t, WideAllocator<std::uint64_t>> table;
    for (std::uint64_t i = 0; i < 3'000'000; ++i) table.push_back(i * 3);
    CHECK(reinterpret_cast<std::uintptr_t>(table.data()) % (2u << 20) == 0);
    bool same = true;
    for (std::uint64_t i = 0; i < table.size(); ++i) same = same && table[i] == i * 3;
    CHECK(same);
    table.resize(10);
    table.shrink_to_fit();
    CHECK(table.back() == 27);
    auto moved = std::move(table);
    CHECK(moved.size() == 10);
}

TEST_CASE("text in wide memory is text") {
    WideText text;
    for (int i = 0; i < 1'000'000; ++i) text.append("0123456789");
    const WideText copy = text;
    text.clear();
    CHECK(copy.size() == 10'000'000);
    CHECK(std::string_view(copy).ends_with("789"));
}

TEST_CASE("memory that there can't be is an exception") {
    CHECK_THROWS_AS(take_wide_memory(std::numeric_limits<std::size_t>::max() - 5), std::bad_alloc);
    CHECK_THROWS_AS(take_wide_memory(std::size_t{1} << 60), std::bad_alloc);
}
