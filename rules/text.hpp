// SPDX-License-Identifier: GPL-2.0-or-later
// Which characters may occur in a file that people write and read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace doorward {

struct BadCharacter {
    std::string what;  // "a control character (U+001B)"
    int line = 0;      // both count from 1; columns count bytes, as yaml-cpp does
    int column = 0;

    bool operator==(const BadCharacter&) const = default;
};

// The first thing in `text` that is invalid UTF-8, a control character, a carriage return without a
// line feed (an editor shows one line where a parser sees two), or a character that changes the
// order in which the others are shown. A byte order mark may open the text.
std::optional<BadCharacter> find_bad_character(std::string_view text);

}  // namespace doorward
