// SPDX-License-Identifier: GPL-2.0-or-later
// What ufw knows → ours: application profiles, and the rules that were made with its command.
//
// A profile names ports and opens none. So each becomes a set of ports for each protocol that it has,
// and a rule for inbound flows to these that is not enabled: enabling it is what `ufw allow PROFILE` is.
// Rules are carried in their order; the first that matches decides there as here. Those of the two
// families that say the same of any address become one.
#pragma once

#include <vector>

#include "rules/imported.hpp"

namespace doorward {

struct UfwFiles {
    std::vector<ImportFile> profiles;   // of applications.d, by name
    std::vector<ImportFile> rules;      // user.rules, if it is there
    std::vector<ImportFile> rules_v6;   // user6.rules
};

Imported import_ufw(const UfwFiles& files);

}  // namespace doorward
