// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward lists check`: what can be used of a blocklist.
#pragma once

#include "cli/commands.hpp"

namespace doorward {

void add_lists_check(CLI::App& lists, Session& session);

}  // namespace doorward
