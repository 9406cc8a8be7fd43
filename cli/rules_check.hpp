// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward rules check`: without a daemon.
#pragma once

#include "cli/commands.hpp"

namespace doorward {

void add_rules_check(CLI::App& rules, Session& session);

}  // namespace doorward
