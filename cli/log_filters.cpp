// SPDX-License-Identifier: GPL-2.0-or-later
// The options of the command line that choose rows of the log, or open flows.
#include <algorithm>

#include <CLI/CLI.hpp>

#include "cli/log_options.hpp"

namespace doorward {

void add_log_filters(CLI::App& command, LogOptions& options) {
    const auto add = [&](const char* name, std::string& value, const char* help, const char* type) {
        command.add_option(name, value, help)->type_name(type);
    };
    add("--app", options.app, "program: path, pattern, bare name, unknown or unknown:REASON", "APP");
    command.add_option("--verdict", options.verdicts, "what happened: accept, drop or reject; repeatable")
        ->type_name("VERDICT")
        ->allow_extra_args(false);
    command.add_flag("--denied", options.denied,
                     "what the rules deny, also where it passed because the mode is observe");
    add("--since", options.since, "from then on: 10m, 2h, 3d, a date, or RFC 3339", "TIME");
    add("--until", options.until, "before then; as for --since", "TIME");
    add("--to", options.to, "destination: address, prefix or host name", "DEST");
    add("--from", options.from, "source; as for --to", "SOURCE");
    add("--port", options.port, "destination port", "PORT");
    add("--user", options.user, "user name or uid", "USER");
    add("--rule", options.rule, "name of the rule that decided", "RULE");
    add("--unit", options.unit, "systemd unit, or a pattern; user:… below a user's manager", "UNIT");
    add("--container", options.container, "RUNTIME:NAME, or a pattern, as docker:*", "CONTAINER");
    add("--script", options.script, "script behind an interpreter: path or pattern", "PATH");
    add("--injected", options.injected, "other code in the program: preload, library-path, tracer, filter or any", "HOW");
    add("--pid", options.pid, "process", "PID");
}

bool has_log_filter(const LogOptions& options) {
    const std::string* given[] = {&options.app,    &options.since, &options.until, &options.to,
                                  &options.from,   &options.port,  &options.user,  &options.rule,
                                  &options.unit,   &options.container, &options.script, &options.injected, &options.pid};
    return !options.verdicts.empty() || options.denied ||
           std::ranges::any_of(given, [](const std::string* text) { return !text->empty(); });
}

}  // namespace doorward
