// SPDX-License-Identifier: GPL-2.0-or-later
// A rule file in its canonical form: the order of keys, indents, quotes and blank lines that
// format_rule() has, with every comment, group, set and profile that was there, in their order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"

namespace doorward {

// The same rules, sets and profiles, and the same comments. Formatting the outcome changes nothing.
// Refused, with the place: what is no rule file, and what can't be written anew without a loss.
Result<std::string> format_rule_file(std::string_view text, const std::string& file_name);

// The comments of a rule file that loads, sorted; used to see that none got lost.
Result<std::vector<std::string>> sorted_comments(std::string_view text,
                                                 const std::string& file_name);

}  // namespace doorward
