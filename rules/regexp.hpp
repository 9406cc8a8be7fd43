// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions in RE2's syntax, as Go has it, taken apart: which texts do they match? Only what
// comes down to a bounded number of rows of characters is understood; all else is an error that says
// what it is, since half an understanding of a rule is a wrong one.
#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"

namespace doorward {

// Of ASCII some characters; of all others all or none.
struct CharSet {
    std::bitset<128> ascii{};
    bool other = false;

    bool has(char c) const {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 128 ? ascii[byte] : other;
    }
    static CharSet of(char c);
    static CharSet any(bool newline);  // "."
    bool is_any() const;               // all, but perhaps a line feed
    bool is_all_but(char c) const;     // the line feed aside
    // The one character it has, or the one letter it has in both cases (then in lower case); NUL: none.
    char single() const;
    bool operator==(const CharSet&) const = default;
};

// One character of the set, or with `star` any number of them.
struct RegexpPiece {
    CharSet set{};
    bool star = false;
    std::string rune{};  // a character outside of ASCII, in UTF-8; the set is empty then

    bool operator==(const RegexpPiece&) const = default;
};

struct RegexpBranch {
    bool open_start = true;  // anything may stand before it
    bool open_end = true;
    std::vector<RegexpPiece> pieces{};
};

// Matches where one of the branches does.
struct Regexp {
    std::vector<RegexpBranch> branches{};
};

// The error says what is not understood and at which character, without a place.
Result<Regexp> parse_regexp(std::string_view text);

// The texts of which the lower-case form is matched; of ASCII letters only. Nothing if characters
// outside of ASCII are named, whose lower-case form is another matter.
Result<Regexp> matched_in_lower_case(Regexp regexp);

// Whether the two have the same rows, and each set of `narrow` is part of its counterpart.
bool is_part_of(const Regexp& narrow, const Regexp& wide);

}  // namespace doorward
