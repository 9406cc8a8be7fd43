// SPDX-License-Identifier: GPL-2.0-or-later
// A rule file of OpenSnitch (daemon/rule of its sources, version 1.7) as it stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"

namespace doorward {

struct OpenSnitchOperator {
    std::string type;     // "simple", "regexp", "network", "list", "lists", "range"
    std::string operand;  // "process.path", …
    std::string data;
    bool sensitive = false;                  // to the case of letters
    std::vector<OpenSnitchOperator> list{};  // of type "list": all must be met
};

struct OpenSnitchRule {
    std::string name;
    std::string description;
    std::string action;    // "allow", "deny", "reject"
    std::string duration;  // "always", "until restart", "once", "5m"
    bool enabled = false;
    bool precedence = false;
    bool nolog = false;
    OpenSnitchOperator what{};
};

inline constexpr std::size_t longest_opensnitch_file = std::size_t{1} << 20;

// JSON of one file. Stricter than OpenSnitch: unknown keys, keys that are there twice or in another
// case, wrong types, and what is nested more deeply than a rule can be are errors, with line and column
// where it is not JSON at all.
Result<OpenSnitchRule> parse_opensnitch_rule(std::string_view text, const std::string& file_name);

}  // namespace doorward
