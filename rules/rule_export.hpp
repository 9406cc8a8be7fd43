// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that are in force as one rule file, which decides alike when it is loaded.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rules/ruleset.hpp"

namespace doorward {

// The terms of a rule by groups that say all of them together: one kind of condition once in each. The
// last are the rule's own, those before it of groups, the outer one first.
std::vector<std::vector<Term>> term_layers(const Rule& rule);

// Rules in evaluation order, each below a comment with its origin, which `origin` gives in one line; with
// all sets and profiles. Lists stay files. It loads, but is not in canonical form: see format_rule_file().
std::string export_rules(const Ruleset& rules, const std::function<std::string(std::uint32_t)>& origin);

}  // namespace doorward
