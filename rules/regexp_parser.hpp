// SPDX-License-Identifier: GPL-2.0-or-later
// The text of a regular expression → rows of characters, alternatives multiplied out. Used by regexp.cpp
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/regexp.hpp"

namespace doorward {

struct RegexpItem {
    enum class Anchor : std::uint8_t { none, begin, end };
    RegexpPiece piece{};
    Anchor anchor = Anchor::none;
};

using RegexpRow = std::vector<RegexpItem>;

class RegexpParser {
public:
    explicit RegexpParser(std::string_view text) : text_(text) {}

    Result<std::vector<RegexpRow>> parse();

private:
    using Rows = std::vector<RegexpRow>;

    // What one expression may come to: the text is short, what it says need not be.
    static constexpr std::size_t most_rows = 256;
    static constexpr std::size_t most_items = 1024;
    static constexpr int deepest = 32;
    static constexpr unsigned most_repeats = 64;

    struct Flags {
        bool ignore_case = false;
        bool dot_all = false;
    };
    struct Repeat {
        unsigned least = 1;
        std::optional<unsigned> most = 1;  // none: any number
    };

    Result<Rows> alternatives(int depth);
    Result<Rows> sequence(int depth);
    Result<Rows> atom(int depth);
    Result<Rows> group(int depth);
    Result<bool> group_flags(Flags& flags);  // whether the group ends with its flags: (?i)
    Result<Rows> escape();
    Result<CharSet> escaped_set(char c) const;
    Result<Rows> char_class();
    Result<char> class_member();
    Result<Rows> literal();
    Rows one(const CharSet& set) const;

    Result<std::optional<Repeat>> repeat();
    std::optional<Repeat> counted_repeat();
    std::optional<unsigned> number();
    Result<Rows> repeated(const Rows& rows, const Repeat& repeat) const;
    Result<Rows> starred(const Rows& rows) const;
    Result<Rows> joined(const Rows& a, const Rows& b) const;
    Result<Rows> bounded(Rows rows) const;

    CharSet cased(CharSet set) const;
    std::unexpected<Error> error(std::string what) const;
    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool take(std::string_view text);

    std::string_view text_;
    std::size_t at_ = 0;
    Flags flags_{};
};

}  // namespace doorward
