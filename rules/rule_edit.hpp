// SPDX-License-Identifier: GPL-2.0-or-later
// Changes to the text of a rule file that keep everything else in it: comments, order, spacing.
//
// Which comments go with a rule: those inside it, those right below it that are indented more
// deeply than its dash, and the lines of comment directly above it, without a blank line between,
// that are not. All other comments stay.
#pragma once

#include <string>
#include <string_view>

#include "rules/rule.hpp"

namespace doorward {

// Each returns the new text. The result is parsed again and compared: an edit that would change
// anything but what was asked is refused with an error instead. Rules in flow style, {name: …},
// are never edited.
Result<std::string> insert_first(std::string_view text, const Rule& rule,
                                 const std::string& file_name);
Result<std::string> remove_rule(std::string_view text, std::string_view rule_name,
                                const std::string& file_name);
Result<std::string> set_enabled(std::string_view text, std::string_view rule_name, bool enabled,
                                const std::string& file_name);

}  // namespace doorward
