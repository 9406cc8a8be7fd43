// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/regexp.hpp"

#include <algorithm>
#include <iterator>

#include "rules/regexp_parser.hpp"

namespace doorward {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Anchors stay in the row while it is put together; in the end they may stand at its ends only.
Result<RegexpBranch> branch_of(const RegexpRow& row) {
    RegexpBranch out;
    auto first = row.begin(), last = row.end();
    while (first != last && first->anchor == RegexpItem::Anchor::begin) {
        out.open_start = false;
        ++first;
    }
    while (first != last && std::prev(last)->anchor == RegexpItem::Anchor::end) {
        out.open_end = false;
        --last;
    }
    for (; first != last; ++first) {
        if (first->anchor != RegexpItem::Anchor::none)
            return fail("a ^ or $ stands in its middle");
        out.pieces.push_back(first->piece);
    }
    return out;
}

bool is_part(const RegexpPiece& narrow, const RegexpPiece& wide) {
    return narrow.star == wide.star && narrow.rune == wide.rune &&
           (narrow.set.ascii & ~wide.set.ascii).none() && (wide.set.other || !narrow.set.other);
}

bool is_part_of(const RegexpBranch& narrow, const RegexpBranch& wide) {
    return narrow.open_start == wide.open_start && narrow.open_end == wide.open_end &&
           std::ranges::equal(narrow.pieces, wide.pieces, is_part);
}

}  // namespace

CharSet CharSet::of(char c) {
    CharSet out;
    out.ascii.set(static_cast<unsigned char>(c));
    return out;
}

CharSet CharSet::any(bool newline) {
    CharSet out;
    out.ascii.set();
    out.ascii.set('\n', newline);
    out.other = true;
    return out;
}

bool CharSet::is_any() const {
    return other && (ascii.all() || *this == any(false));
}

bool CharSet::is_all_but(char c) const {
    CharSet whole = *this;
    whole.ascii.set('\n');
    return !has(c) && whole.other && whole.ascii.count() == 127;
}

char CharSet::single() const {
    if (other || ascii.none() || ascii.count() > 2) return '\0';
    for (unsigned at = 127; at > 0; --at) {
        if (!ascii[at]) continue;
        const auto c = static_cast<char>(at);
        const bool both = c >= 'a' && c <= 'z' && ascii[at - 'a' + 'A'];
        return ascii.count() == 1 || both ? c : '\0';
    }
    return '\0';
}

Result<Regexp> parse_regexp(std::string_view text) {
    const auto rows = RegexpParser(text).parse();
    if (!rows) return std::unexpected(rows.error());
    Regexp out;
    for (const RegexpRow& row : *rows) {
        auto branch = branch_of(row);
        if (!branch) return std::unexpected(branch.error());
        out.branches.push_back(std::move(*branch));
    }
    return out;
}

Result<Regexp> matched_in_lower_case(Regexp regexp) {
    for (RegexpBranch& branch : regexp.branches)
        for (RegexpPiece& piece : branch.pieces) {
            if (!piece.rune.empty()) return fail("it ignores the case of \"" + piece.rune + '"');
            std::bitset<128> matched;
            for (unsigned at = 0; at < 128; ++at)
                matched[at] = piece.set.has(lower(static_cast<char>(at)));
            piece.set.ascii = matched;
        }
    return regexp;
}

bool is_part_of(const Regexp& narrow, const Regexp& wide) {
    return std::ranges::equal(narrow.branches, wide.branches,
                              [](const RegexpBranch& a, const RegexpBranch& b) {
                                  return is_part_of(a, b);
                              });
}

}  // namespace doorward
