// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes ↔ text that a database, JSON and a terminal can all hold.
#pragma once

#include <string>
#include <string_view>

namespace doorward {

// Paths and arguments are bytes; a column of type TEXT must be UTF-8 without NUL. So what is no
// UTF-8, and every control character, is written as \xHH (lower-case hex, one per byte):
//   "caf\xe9" in Latin-1 → caf\xe9      ESC [ 2 J → \x1b[2J      "é" in UTF-8 → é
// A backslash stays as it is unless it would read as such an escape; then it is \x5c itself. So
// every byte string has exactly one form, and unescape_text() gives it back.
std::string escape_text(std::string_view bytes);
std::string unescape_text(std::string_view text);

// True if escape_text() would change nothing: the usual case, known without allocating.
bool is_plain_text(std::string_view bytes);

}  // namespace doorward
