// SPDX-License-Identifier: GPL-2.0-or-later
// The subcommands. Each function adds one to `app`; the one chosen runs while `app` parses the
// command line and leaves its exit status in `session`, which must outlive that.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/session.hpp"

namespace doorward {

// A flag that is only counted. (With a literal as its description, CLI11's own is ambiguous.)
inline CLI::Option* add_switch(CLI::App& command, const std::string& name,
                               const std::string& description) {
    return command.add_flag(name, description);
}

void add_status_command(CLI::App& app, Session& session);
void add_rules_command(CLI::App& app, Session& session);
void add_allow_and_deny_commands(CLI::App& app, Session& session);
void add_apply_command(CLI::App& app, Session& session);
void add_flows_command(CLI::App& app, Session& session);
void add_kill_command(CLI::App& app, Session& session);
void add_mode_command(CLI::App& app, Session& session);
void add_explain_command(CLI::App& app, Session& session);
void add_hash_command(CLI::App& app, Session& session);
void add_export_command(CLI::App& app, Session& session);
void add_import_command(CLI::App& app, Session& session);
void add_lists_command(CLI::App& app, Session& session);

}  // namespace doorward
