// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that a running daemon decides by, to be asked here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command_error.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

struct RulesInForce {
    std::string text;            // as one file, in canonical form
    std::shared_ptr<const RulePack> pack;
    std::vector<Place> origins;  // of each rule, in evaluation order
};

CommandResult<RulesInForce> ask_rules_in_force(const std::string& socket);

}  // namespace doorward
