// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of prefixes: the same as asking each prefix.
#include <catch2/catch.hpp>

#include <random>

#include "rules/prefix_set.hpp"

using namespace doorward;

namespace {

Address address(std::string_view text) { return Address::parse(text).value(); }

PrefixSet make(const std::vector<std::string>& prefixes) {
    PrefixSetBuilder builder;
    for (const std::string& text : prefixes) REQUIRE(builder.add(Prefix::parse(text).value()));
    return std::move(builder).finish();
}

class Addresses {
public:
    explicit Addresses(std::uint64_t seed) : random_(seed) {}

    std::size_t pick(std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
    }

    // Of few different bytes, so that addresses are neighbours and prefixes overlap; often at an end.
    Address next() {
        static constexpr std::uint8_t values[] = {0, 0, 1, 2, 127, 128, 254, 255, 255};
        Address out;
        for (auto& byte : out.bytes) byte = values[pick(std::size(values))];
        if (pick(4) == 0) return out;
        for (std::size_t i = 0; i < 10; ++i) out.bytes[i] = 0;
        if (pick(5) == 0) return out;
        out.bytes[10] = out.bytes[11] = 0xff;
        return out;
    }

    Prefix prefix() {
        static constexpr std::uint8_t lengths[] = {0,   1,   63,  64,  65,  80,  95,  96,
                                                   97,  104, 112, 119, 120, 121, 127, 128};
        Prefix out{next(), lengths[pick(std::size(lengths))]};
        if (pick(3) != 0) out.length = static_cast<std::uint8_t>(96 + pick(33));
        for (std::size_t bit = out.length; bit < 128; ++bit)
            out.base.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
        return out;
    }

private:
    std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("prefixes of both families, and what is beside them") {
    const PrefixSet set = make({"203.0.113.0/24", "198.51.100.7", "2001:db8::/32", "2001:db9::1"});
    for (const char* in : {"203.0.113.0", "203.0.113.255", "198.51.100.7", "2001:db8::",
                           "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::1"})
        CHECK(set.contains(address(in)));
    for (const char* out : {"203.0.112.255", "203.0.114.0", "198.51.100.6", "198.51.100.8",
                            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "2001:db9::2",
                            "::203.0.113.1", "0.0.0.0", "::", "255.255.255.255"})
        CHECK_FALSE(set.contains(address(out)));
    CHECK_FALSE(PrefixSet().contains(address("::1")));
    CHECK(PrefixSet().empty());
}

TEST_CASE("every IPv6 address is no IPv4 address, and the other way round") {
    const PrefixSet v6 = make({"::/0"}), v4 = make({"0.0.0.0/0"});
    CHECK(v6.contains(address("2001:db8::1")));
    CHECK_FALSE(v6.contains(address("203.0.113.7")));
    CHECK(v4.contains(address("203.0.113.7")));
    CHECK(v4.contains(address("255.255.255.255")));
    CHECK_FALSE(v4.contains(address("2001:db8::1")));
    CHECK(make({"::ffff:203.0.113.0/120"}).contains(address("203.0.113.7")));
}

TEST_CASE("what overlaps or touches is joined") {
    CHECK(make({"10.0.1.0/24", "10.0.0.0/24", "10.0.0.0/25", "10.0.0.5"}).v4().size() == 1);
    CHECK(make({"10.0.0.0/24", "10.0.2.0/24"}).v4().size() == 2);
    CHECK(make({"255.255.255.255", "255.255.255.254", "0.0.0.0"}).v4().size() == 2);
    CHECK(make({"2001:db8::/33", "2001:db8:8000::/33", "2001:db8::1"}).v6().size() == 1);
    CHECK(make({"::ffff:ffff:ffff:ffff", "0:0:0:1::"}).v6().size() == 1);  // over the low half's end
    CHECK(make({"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"}).v6().size() == 2);
}

TEST_CASE("ranges have both their ends") {
    PrefixSetBuilder builder;
    CHECK(builder.add(address("10.0.0.5"), address("10.0.1.2")));
    CHECK(builder.add(address("2001:db8::5"), address("2001:db8::1:0")));
    CHECK_FALSE(builder.add(address("10.0.0.5"), address("10.0.0.4")));
    CHECK_FALSE(builder.add(address("10.0.0.5"), address("2001:db8::")));
    CHECK_FALSE(builder.add(address("::1"), address("10.0.0.5")));
    const PrefixSet set = std::move(builder).finish();
    for (const char* in : {"10.0.0.5", "10.0.0.255", "10.0.1.2", "2001:db8::5", "2001:db8::ffff",
                           "2001:db8::1:0"})
        CHECK(set.contains(address(in)));
    for (const char* out : {"10.0.0.4", "10.0.1.3", "2001:db8::4", "2001:db8::1:1"})
        CHECK_FALSE(set.contains(address(out)));
}

TEST_CASE("a set of prefixes is bounded") {
    PrefixSetBuilder builder(2);
    CHECK(builder.add(Prefix{address("10.0.0.1")}));
    CHECK(builder.add(address("10.0.0.3"), address("10.0.0.4")));
    CHECK_FALSE(builder.add(Prefix{address("10.0.0.1")}));
    CHECK_FALSE(builder.add(address("2001:db8::"), address("2001:db8::")));
    CHECK(builder.size() == 2);
}

TEST_CASE("a set of prefixes says what the prefixes say") {
    constexpr int sets = 300, questions = 500;
    int in = 0;
    for (int i = 0; i < sets; ++i) {
        Addresses random(static_cast<std::uint64_t>(i));
        std::vector<Prefix> prefixes(random.pick(30));
        PrefixSetBuilder builder;
        for (Prefix& prefix : prefixes) REQUIRE(builder.add(prefix = random.prefix()));
        std::vector<std::pair<Address, Address>> ranges;
        for (std::size_t j = random.pick(5); j > 0; --j) {
            const Address first = random.next(), last = random.next();
            if (builder.add(first, last)) ranges.emplace_back(first, last);
            else REQUIRE((first.is_v4() != last.is_v4() || last < first));
        }
        const PrefixSet set = std::move(builder).finish();
        for (int j = 0; j < questions; ++j) {
            const Address asked = random.next();
            bool expected = std::ranges::any_of(
                prefixes, [&](const Prefix& prefix) { return prefix.contains(asked); });
            for (const auto& [first, last] : ranges)
                expected = expected ||
                           (first.is_v4() == asked.is_v4() && first <= asked && asked <= last);
            INFO("set " << i << ", address " << asked.to_string());
            REQUIRE(set.contains(asked) == expected);
            in += expected;
        }
    }
    CHECK(in > sets * questions / 20);
    CHECK(in < sets * questions * 19 / 20);
}

TEST_CASE("prefixes weigh no more than their ends") {
    PrefixSetBuilder builder;
    constexpr std::uint32_t count = 10'000;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint8_t bytes[] = {10, static_cast<std::uint8_t>(i >> 7),
                                      static_cast<std::uint8_t>(i << 1), 1};
        REQUIRE(builder.add(Prefix{Address::v4(bytes)}));
    }
    const PrefixSet set = std::move(builder).finish();
    CHECK(set.v4().size() == count);
    CHECK(set.memory() <= 8 * count + sizeof set);
}
