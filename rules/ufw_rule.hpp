// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that ufw keeps in user.rules and user6.rules: its "### tuple ###" lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/imported.hpp"

namespace doorward {

struct UfwRule {
    Rule rule;              // without a name
    bool any_address = false;  // of its family: neither source nor destination is given
    std::string profile;    // that it was made by; may be empty
    bool logs_all = false;  // each packet of a flow, not only its first
    std::string tuple;      // as written, without what marks it
};

struct UfwRules {
    std::vector<UfwRule> rules;  // in order
    std::size_t found = 0;
};

// What can't be carried goes to `findings`.
UfwRules read_ufw_rules(const ImportFile& file, bool v6, std::vector<Finding>& findings);

}  // namespace doorward
