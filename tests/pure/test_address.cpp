// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "rules/address.hpp"

using namespace doorward;

namespace {

Address address(std::string_view text) {
    const auto parsed = Address::parse(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

Prefix prefix(std::string_view text) {
    const auto parsed = Prefix::parse(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

}  // namespace

TEST_CASE("addresses are parsed and printed in their shortest form") {
    struct Case {
        const char* text;
        const char* printed;
        bool v4;
    };
    const Case cases[] = {
        {"0.0.0.0", "0.0.0.0", true},
        {"203.0.113.7", "203.0.113.7", true},
        {"255.255.255.255", "255.255.255.255", true},
        {"::ffff:1.2.3.4", "1.2.3.4", true},
        {"::ffff:0102:0304", "1.2.3.4", true},
        {"::", "::", false},
        {"::1", "::1", false},
        {"2001:DB8:0:0::5", "2001:db8::5", false},
        {"fe80::1:2:3:4", "fe80::1:2:3:4", false},
        {"::1.2.3.4", "::1.2.3.4", false},
        {"ffff:0:0:ffff:ffff:ffff:ffff:ffff", "ffff::ffff:ffff:ffff:ffff:ffff", false},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888",
         false},
    };
    for (const auto& c : cases) {
        const Address parsed = address(c.text);
        CHECK(parsed.to_string() == c.printed);
        CHECK(parsed.is_v4() == c.v4);
        CHECK(address(c.printed) == parsed);
    }
}

TEST_CASE("what is no address is refused") {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, " "sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "1.2.3.-4"sv, "01.2.3.4"sv,
          "0x1.2.3.4"sv, "16909060"sv, " 1.2.3.4"sv, "1.2.3.4 "sv, "1.2.3.4\0"sv, "1.2.3.4\n"sv,
          "1.2.3.4:80"sv, "localhost"sv, ":"sv, ":::"sv, "1::2::3"sv, "fe80::1%lo"sv, "[::1]"sv,
          "12345::"sv, "1:2:3:4:5:6:7"sv, "1:2:3:4:5:6:7:8:9"sv, "::ffff:1.2.3"sv, "g::1"sv,
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff0"sv,
          "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"sv}) {
        INFO(text);
        CHECK_FALSE(Address::parse(text));
    }
}

TEST_CASE("addresses know their kind") {
    CHECK(address("0.0.0.0").is_unspecified());
    CHECK(address("::").is_unspecified());
    CHECK_FALSE(address("0.0.0.1").is_unspecified());
    CHECK_FALSE(address("::1").is_unspecified());
    for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"})
        CHECK(address(text).is_loopback());
    for (const char* text : {"126.255.255.255", "128.0.0.0", "0.0.0.0", "::", "::2", "1::1",
                             "::127.0.0.1"})
        CHECK_FALSE(address(text).is_loopback());
}

TEST_CASE("addresses are made from bytes in network order") {
    const std::array<std::uint8_t, 4> four = {192, 0, 2, 33};
    CHECK(Address::v4(four) == address("192.0.2.33"));
    std::array<std::uint8_t, 16> sixteen{};
    sixteen[0] = 0x20;
    sixteen[15] = 0x01;
    CHECK(Address::v6(sixteen) == address("2000::1"));
    CHECK(address("1.2.3.4") < address("1.2.3.5"));
}

TEST_CASE("prefixes are parsed and printed") {
    struct Case {
        const char* text;
        const char* printed;
        int length;
    };
    const Case cases[] = {
        {"203.0.113.7", "203.0.113.7", 128},
        {"203.0.113.7/32", "203.0.113.7", 128},
        {"203.0.113.0/24", "203.0.113.0/24", 120},
        {"128.0.0.0/1", "128.0.0.0/1", 97},
        {"0.0.0.0/0", "0.0.0.0/0", 96},
        {"2001:db8::/32", "2001:db8::/32", 32},
        {"2001:db8::1/128", "2001:db8::1", 128},
        {"::/0", "::/0", 0},
        {"::ffff:1.2.3.0/120", "1.2.3.0/24", 120},
        {"::ffff:0.0.0.0/96", "0.0.0.0/0", 96},
    };
    for (const auto& c : cases) {
        const Prefix parsed = prefix(c.text);
        CHECK(parsed.length == c.length);
        CHECK(parsed.to_string() == c.printed);
        CHECK(prefix(c.printed) == parsed);
    }
}

TEST_CASE("what is no prefix is refused") {
    for (const char* text :
         {"", "/", "/24", "203.0.113.0/", "203.0.113.0/33", "203.0.113.0/256", "203.0.113.0/-1",
          "203.0.113.0/+8", "203.0.113.0/024", "203.0.113.0/00", "203.0.113.0/24 ",
          "203.0.113.0 /24",
          "203.0.113.0/ 24", "203.0.113.0/24/24", "203.0.113.0/0x18", "203.0.113.0/255.255.255.0",
          "203.0.113.7/24", "203.0.113.128/24", "1.0.0.0/0", "2001:db8::1/32", "2001:db8::/129",
          "2001:db8:8000::/32", "::1/0", "::ffff:1.2.3.4/24", "example.org/24"}) {
        INFO(text);
        CHECK_FALSE(Prefix::parse(text));
    }
}

TEST_CASE("a prefix contains its addresses and no others") {
    struct Case {
        const char* prefix;
        const char* inside;
        const char* outside;
    };
    const Case cases[] = {
        {"203.0.113.0/24", "203.0.113.0", "203.0.112.255"},
        {"203.0.113.0/24", "203.0.113.255", "203.0.114.0"},
        {"203.0.113.128/25", "203.0.113.200", "203.0.113.127"},
        {"10.0.0.0/7", "11.255.255.255", "12.0.0.0"},
        {"203.0.113.7", "203.0.113.7", "203.0.113.6"},
        {"203.0.113.7", "::ffff:203.0.113.7", "::203.0.113.7"},
        {"0.0.0.0/0", "255.255.255.255", "::"},
        {"0.0.0.0/0", "0.0.0.0", "2001:db8::1"},
        {"::/0", "2001:db8::1", "0.0.0.0"},
        {"::/0", "::", "203.0.113.7"},
        {"::/8", "::1", "10.0.0.1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"::1", "::1", "127.0.0.1"},
    };
    for (const auto& c : cases) {
        INFO(c.prefix << " " << c.inside << " " << c.outside);
        CHECK(prefix(c.prefix).contains(address(c.inside)));
        CHECK_FALSE(prefix(c.prefix).contains(address(c.outside)));
    }
}

TEST_CASE("a prefix of every length contains its first and last address and not the next") {
    for (int length = 1; length <= 32; ++length) {
        // 128.0.0.0/n: the n-th bit set in what follows is outside.
        const Prefix p = prefix("128.0.0.0/" + std::to_string(length));
        Address flipped = p.base;
        const int bit = 96 + length - 1;
        flipped.bytes[static_cast<std::size_t>(bit / 8)] ^=
            static_cast<std::uint8_t>(0x80 >> bit % 8);
        CHECK_FALSE(p.contains(flipped));
        Address last = p.base;
        for (int i = bit + 1; i < 128; ++i)
            last.bytes[static_cast<std::size_t>(i / 8)] |= static_cast<std::uint8_t>(0x80 >> i % 8);
        CHECK(p.contains(last));
    }
}
