// SPDX-License-Identifier: GPL-2.0-or-later
// Text of one rule file → rules. Bytes in, values out; refuses the whole file on the first error.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.hpp"
#include "rules/rule_pack.hpp"

namespace doorward {

// `file_name` is used in places only. Errors: file:line:column, what is wrong, what was expected.
// Unknown keys, duplicate keys and duplicate names within the file are errors. Limits (file size,
// nesting, aliases) are enforced before any large allocation.
Result<std::shared_ptr<const RulePack>> parse_rule_pack(std::string_view text,
                                                        const std::string& file_name);

// The same, unpacked, without sets and profiles.
Result<std::vector<Rule>> parse_rules(std::string_view text, const std::string& file_name);

// One rule as canonical YAML, a list item starting with "- name:", ending in a newline. The
// conditions that it inherits are left out.
std::string format_rule(const Rule& rule);

// The keys of a rule, of a group of rules and of `not`, for those who describe the language.
std::vector<std::string_view> rule_keys();
std::vector<std::string_view> group_keys();
std::vector<std::string_view> condition_keys();

// Those of the whole file, of a set (one of them) and of a profile.
inline constexpr std::array<std::string_view, 3> file_keys{"rules", "sets", "profiles"};
inline constexpr std::array<std::string_view, 4> set_keys{"addresses", "ports", "domains", "sha256"};
inline constexpr std::array<std::string_view, 4> profile_keys{"gateway", "gateway_mac", "interface",
                                                              "domain"};

}  // namespace doorward
