// SPDX-License-Identifier: GPL-2.0-or-later
// doorward: asks and changes a running doorwardd, and reads its audit log.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/log_command.hpp"

namespace doorward {
namespace {

void add_global_options(CLI::App& app, Session& session) {
    app.set_version_flag("--version", std::string("doorward ") + DOORWARD_VERSION);
    app.add_option("--socket", session.socket, "control socket of the daemon")
        ->envname("DOORWARD_SOCKET")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_option("--color,--colour", session.colour, "colour in tables: auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN")
        ->capture_default_str();
}

int run(int argc, char** argv) {
    CLI::App app("Asks and changes a running doorwardd, the application firewall.", "doorward");
    Session session;
    app.require_subcommand(1);
    app.fallthrough();
    add_global_options(app, session);
    add_status_command(app, session);
    add_rules_command(app, session);
    add_allow_and_deny_commands(app, session);
    add_apply_command(app, session);
    add_log_command(app, session);
    add_replay_command(app, session);
    add_suggest_command(app, session);
    add_flows_command(app, session);
    add_kill_command(app, session);
    add_mode_command(app, session);
    add_explain_command(app, session);
    add_hash_command(app, session);
    add_lists_command(app, session);
    add_import_command(app, session);
    add_export_command(app, session);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ParseError& error) {
        return report({exit_usage, std::string(error.what()) + " (see: doorward --help)", {}});
    }
    return session.status;
}

}  // namespace
}  // namespace doorward

int main(int argc, char** argv) {
    try {
        const int status = doorward::run(argc, argv);
        // A full disk behind standard output must not look like success.
        if (std::fflush(stdout) == 0) return status;
        return doorward::report({doorward::exit_failed, "cannot write to standard output", {}});
    } catch (const std::exception& error) {
        return doorward::report({doorward::exit_failed, error.what(), {}});
    }
}
