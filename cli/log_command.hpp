// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward log`: what was decided, read straight from the audit database, so that it works while
// the daemon runs, and after it.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/log_options.hpp"
#include "cli/session.hpp"

namespace doorward {

// Adds the subcommand to `app`. If it is the one chosen, it runs while `app` parses the command
// line and leaves its exit status in `session`, which must outlive that: 0 done, also when no row
// matched; 2 an argument makes no sense; 3 the database can't be read.
void add_log_command(CLI::App& app, Session& session);

// Add `doorward replay` and `doorward suggest`, in the same way.
void add_replay_command(CLI::App& app, Session& session);
void add_suggest_command(CLI::App& app, Session& session);

}  // namespace doorward
