// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of domain names: what is in, what is not, and the same as a naive look at every entry.
#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "rules/domain_set.hpp"

using namespace doorward;

namespace {

using Added = DomainSetBuilder::Added;

constexpr HashKey key = {1, 2};

struct Entry {
    std::string name;
    Covers covers = Covers::itself;
    Listing listing = Listing::listed;
};

DomainSet make(const std::vector<Entry>& entries, const HashKey& with = key) {
    DomainSetBuilder builder(with);
    for (const Entry& entry : entries)
        REQUIRE(builder.add(entry.name, entry.covers, entry.listing) != Added::refused);
    return std::move(builder).finish();
}

bool speaks_of(const Entry& entry, std::string_view name) {
    const auto covers = static_cast<unsigned>(entry.covers);
    if (name == entry.name) return covers & static_cast<unsigned>(Covers::itself);
    return (covers & static_cast<unsigned>(Covers::below)) && name.ends_with("." + entry.name);
}

// What the header says, entry by entry.
bool naive_contains(const std::vector<Entry>& entries, std::string_view name) {
    bool listed = false, excepted = false, insisted = false;
    for (const Entry& entry : entries) {
        if (!speaks_of(entry, name)) continue;
        listed = listed || entry.listing == Listing::listed;
        excepted = excepted || entry.listing == Listing::excepted;
        insisted = insisted || entry.listing == Listing::insisted;
    }
    return insisted || (listed && !excepted);
}

class Names {
public:
    explicit Names(std::uint64_t seed) : random_(seed) {}

    std::size_t pick(std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
    }

    // Of few labels, so that names meet.
    std::string name() {
        static constexpr std::string_view labels[] = {"a", "b", "ab", "ba", "aa", "abcdefgh",
                                                      "abcdefghi", "x-1"};
        std::string name(labels[pick(std::size(labels))]);
        for (std::size_t more = pick(4); more > 0; --more)
            name += "." + std::string(labels[pick(std::size(labels))]);
        return name;
    }

    Entry entry() {
        const std::size_t listing = pick(6);
        return {name(), static_cast<Covers>(1 + pick(3)),
                listing == 0   ? Listing::excepted
                : listing == 1 ? Listing::insisted
                               : Listing::listed};
    }

private:
    std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("an entry covers itself, what is below it, or both, and nothing else") {
    const DomainSet set = make({{"itself.example", Covers::itself},
                                {"below.example", Covers::below},
                                {"both.example", Covers::both}});
    for (const char* in : {"itself.example", "www.below.example", "a.b.below.example", "both.example",
                           "www.both.example"})
        CHECK(set.contains(in));
    for (const char* out :
         {"www.itself.example", "below.example", "example", "notitself.example", "itself.example.org",
          "notbelow.example", "xboth.example", "oth.example", "both.exampl", "both", "", ".", "..",
          ".example", "both.example.", "BOTH.EXAMPLE", "itself.example.", "a.notboth.example"})
        CHECK_FALSE(set.contains(out));
    CHECK(set.size() == 3);
    CHECK_FALSE(DomainSet().contains("example"));
    CHECK_FALSE(make({}).contains("example"));
}

TEST_CASE("labels that read alike without their dots are different names") {
    const DomainSet set = make({{"ab.c", Covers::itself}, {"abcdefgh.i", Covers::itself}});
    for (const char* out : {"a.bc", "abc", "a.b.c", "abcdefghi", "abcdefg.hi", "c.ab"})
        CHECK_FALSE(set.contains(out));
}

TEST_CASE("an exception takes names out, unless an entry insists") {
    const DomainSet set = make({{"example", Covers::both},
                                {"good.example", Covers::both, Listing::excepted},
                                {"bad.good.example", Covers::both, Listing::insisted},
                                {"only.test", Covers::both, Listing::excepted}});
    CHECK(set.contains("example"));
    CHECK(set.contains("other.example"));
    CHECK_FALSE(set.contains("good.example"));
    CHECK_FALSE(set.contains("www.good.example"));
    CHECK(set.contains("bad.good.example"));
    CHECK(set.contains("www.bad.good.example"));
    CHECK_FALSE(set.contains("only.test"));
    CHECK(set.entry_of("www.other.example") == "example");
    CHECK(set.entry_of("www.bad.good.example") == "bad.good.example");
    CHECK(set.entry_of("example") == "example");
    CHECK_FALSE(set.entry_of("good.example"));
    CHECK_FALSE(set.entry_of("test"));
}

TEST_CASE("entries for one name are merged, and come out again") {
    DomainSetBuilder builder(key);
    CHECK(builder.add("a.example", Covers::itself) == Added::added);
    CHECK(builder.add("a.example", Covers::itself) == Added::merged);
    CHECK(builder.add("a.example", Covers::below) == Added::merged);
    CHECK(builder.add("b.example", Covers::below, Listing::excepted) == Added::added);
    CHECK(builder.size() == 2);
    const DomainSet set = std::move(builder).finish();
    CHECK(set.contains("a.example"));
    CHECK(set.contains("www.a.example"));
    std::vector<std::string> entries;
    set.each([&](std::string_view name, Covers covers, Listing listing) {
        entries.push_back(fmt::format("{} {} {}", name, static_cast<int>(covers),
                                      static_cast<int>(listing)));
    });
    CHECK(entries == std::vector<std::string>{"a.example 3 0", "b.example 2 1"});
}

TEST_CASE("a set is bounded, and refuses what is no name") {
    DomainSetBuilder few(key, {.names = 2});
    CHECK(few.add("a", Covers::both) == Added::added);
    CHECK(few.add("b", Covers::both) == Added::added);
    CHECK(few.add("c", Covers::both) == Added::refused);
    CHECK(few.add("a", Covers::itself) == Added::merged);
    const DomainSet set = std::move(few).finish();
    CHECK_FALSE(set.contains("c"));
    CHECK(set.size() == 2);

    DomainSetBuilder small(key, {.bytes = 10});
    CHECK(small.add("12345678", Covers::both) == Added::added);
    CHECK(small.add("a", Covers::both) == Added::refused);

    DomainSetBuilder builder(key);
    CHECK(builder.add("", Covers::both) == Added::refused);
    CHECK(builder.add(std::string(254, 'a'), Covers::both) == Added::refused);
    CHECK(builder.add(std::string(253, 'a'), Covers::both) == Added::added);
    const DomainSet longest = std::move(builder).finish();
    CHECK(longest.contains(std::string(253, 'a')));
    CHECK(longest.contains("www." + std::string(253, 'a')));  // no normal name, but it ends in one
    CHECK_FALSE(longest.contains(std::string(254, 'a')));
    CHECK_FALSE(longest.contains(std::string(100'000, '.')));
}

TEST_CASE("a set says what a look at every entry says") {
    constexpr int sets = 300, questions = 300;
    int in = 0;
    for (int i = 0; i < sets; ++i) {
        Names names(static_cast<std::uint64_t>(i));
        std::vector<Entry> entries(names.pick(60));
        for (Entry& entry : entries) entry = names.entry();
        const DomainSet set = make(entries, {static_cast<std::uint64_t>(i), 77});
        for (int j = 0; j < questions; ++j) {
            const std::string name = names.name();
            INFO("set " << i << ", name " << name);
            const bool expected = naive_contains(entries, name);
            REQUIRE(set.contains(name) == expected);
            const auto entry = set.entry_of(name);
            REQUIRE(entry.has_value() == expected);
            if (entry) REQUIRE(name.ends_with(*entry));
            in += expected;
        }
    }
    CHECK(in > sets * questions / 20);
    CHECK(in < sets * questions * 19 / 20);
}

TEST_CASE("many names: all are found, none beside them, in few bytes") {
    constexpr std::size_t count = 100'000;
    DomainSetBuilder builder(key);
    const auto name = [](std::size_t i) { return fmt::format("host-{:07}.example", i); };  // 20 bytes
    for (std::size_t i = 0; i < count; ++i)
        REQUIRE(builder.add(name(2 * i), Covers::both) == Added::added);
    const DomainSet set = std::move(builder).finish();
    std::size_t found = 0, wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        found += set.contains(name(2 * i)) && set.contains("www." + name(2 * i));
        wrong += set.contains(name(2 * i + 1));
    }
    CHECK(found == count);
    CHECK(wrong == 0);
    CHECK(set.memory() <= 35 * count);
}

TEST_CASE("the key decides where names fall") {
    const auto value = [](const HashKey& with, std::string_view label) {
        LabelHash hash(with);
        hash.add(label);
        return hash.value();
    };
    CHECK(value({1, 2}, "example") == value({1, 2}, "example"));
    CHECK(value({1, 2}, "example") != value({1, 3}, "example"));
    CHECK(value({1, 2}, "example") != value({2, 2}, "example"));
    CHECK(value({1, 2}, "example") != value({1, 2}, "exampl"));
    CHECK(value({1, 2}, "abcdefgh") != value({1, 2}, "hgfedcba"));
}
