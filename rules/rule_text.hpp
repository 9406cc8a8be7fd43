// SPDX-License-Identifier: GPL-2.0-or-later
// Rules as text: one in a line, for tables, and what of them must be quoted in YAML.
#pragma once

#include <string>
#include <string_view>

#include "rules/rule.hpp"

namespace doorward {

// Who → where, without the action: "curl → 203.0.113.0/24 tcp/443",
// "any program as alice → out port 22". Exact paths are shortened to their last part.
std::string summary(const Rule& rule);

// A value as YAML reads it back, within a [list] too; in quotes if it needs them. Without control
// characters.
std::string quoted_if_needed(std::string_view text);

// Lines, each ended by a line feed, with so many spaces in front.
void add_indented(std::string& out, std::string_view lines, std::size_t indent);

}  // namespace doorward
