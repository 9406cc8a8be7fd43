// SPDX-License-Identifier: GPL-2.0-or-later
// Sends a new rule to the daemon and says where it went.
#pragma once

#include "cli/rule_options.hpp"
#include "cli/session.hpp"

namespace doorward {

// Without a name in `options`, one is made from `verb`. Returns the exit status.
int add_rule(const Session& session, const RuleOptions& options, Action action,
             const std::string& verb);

// "first of 12 rules", "number 5 of 12 rules", "the only rule".
std::string position_text(std::uint64_t position, std::uint64_t rules);

}  // namespace doorward
