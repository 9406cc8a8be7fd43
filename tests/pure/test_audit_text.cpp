// SPDX-License-Identifier: GPL-2.0-or-later
#include <random>

#include <catch2/catch.hpp>

#include "fwd/audit_text.hpp"
#include "fwd/utf8.hpp"

using namespace doorward;
using namespace std::string_literals;

TEST_CASE("text that needs no escape stays as it is") {
    for (const auto* text : {"", "/usr/bin/curl", "naïve Ünïcødé 漢字 🚪", "a\\b", "\\", "\\x", "\\x4",
                             "\\xZZ", "\\xAB"}) {
        CHECK(escape_text(text) == text);
        CHECK(unescape_text(text) == text);
        CHECK(is_plain_text(text));
    }
}

TEST_CASE("what a terminal or a TEXT column must not hold is escaped, and comes back") {
    const std::pair<std::string, std::string> cases[] = {
        {"\x1b[2J", "\\x1b[2J"},
        {"a\nb\tc", "a\\x0ab\\x09c"},
        {"nul\0here"s, "nul\\x00here"},
        {"\x7f", "\\x7f"},
        {"caf\xe9", "caf\\xe9"},
        {"\xc2\x9b" "31m", "\\xc2\\x9b31m"},          // the C1 form of ESC [
        {"\xc0\xaf", "\\xc0\\xaf"},                   // overlong '/'
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          // half of a surrogate pair
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, // beyond U+10FFFF
        {"\xe2\x82", "\\xe2\\x82"},                   // cut short
        {"\\x41", "\\x5cx41"},                        // would read as an escape
        {"\\\\x41", "\\\\x5cx41"},
        {"\\\xff", "\\\\xff"},
    };
    for (const auto& [bytes, text] : cases) {
        CHECK(escape_text(bytes) == text);
        CHECK(unescape_text(text) == bytes);
        CHECK_FALSE(is_plain_text(bytes));
    }
}

TEST_CASE("every byte string has its own form, which is valid UTF-8 without control characters") {
    std::mt19937 random(20261121);
    // Drawn so that escapes, almost-escapes and broken UTF-8 are frequent.
    const std::string alphabet = "\\x4f0a\0\n\x1b\xc3\xa9\xe2\x82\xff"s;
    std::uniform_int_distribution<std::size_t> letter(0, alphabet.size() - 1), length(0, 12);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes;
        for (std::size_t left = length(random); left > 0; --left) bytes += alphabet[letter(random)];
        const std::string text = escape_text(bytes);
        REQUIRE(unescape_text(text) == bytes);
        for (std::string_view rest = text; !rest.empty();) {
            const Utf8Char character = first_char(rest);
            REQUIRE(character.valid);
            REQUIRE(character.code >= 0x20);
            rest.remove_prefix(character.length);
        }
    }
}
