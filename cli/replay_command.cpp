// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward replay`: what would a folder of rules have decided about all that the log has?
#include <memory>

#include <fmt/format.h>

#include "cli/log_command.hpp"
#include "cli/log_options.hpp"
#include "cli/log_time.hpp"
#include "cli/offline_rules.hpp"
#include "cli/replay.hpp"

namespace doorward {
namespace {

struct Options {
    LogOptions log;  // which rows
    std::string candidate;
    std::string default_out, default_in, default_forward;
    std::size_t limit = 40;
};

// From the options, then from the daemon, then the built-in ones. What was assumed is said.
CommandResult<HostView> host_view(const Options& options, const Session& session) {
    HostView view;
    if (auto asked = ask_host_view(session.socket)) {
        view = std::move(*asked);
    } else {
        fmt::print(stderr,
                   "doorward: no daemon to ask ({}): defaults are the built-in ones unless given, "
                   "and nothing is known of the network\n",
                   printable(asked.error().message));
    }
    const auto read = [](const std::string& text, Action& action) {
        if (text.empty()) return true;
        const auto parsed = parse_action(text);
        if (parsed) action = *parsed;
        return parsed.has_value();
    };
    if (read(options.default_out, view.defaults.out) && read(options.default_in, view.defaults.in) &&
        read(options.default_forward, view.defaults.forward))
        return view;
    return command_fail(exit_usage, "a default is accept, drop or reject");
}

Result<void> replay_rows(const Options& options, const AuditFilter& filter, Replay& replay) {
    auto reader = AuditReader::open(options.log.database);
    if (!reader) return std::unexpected(reader.error());
    return reader->each_row(filter, [&](const AuditRecord& row) -> Result<void> {
        replay.add(row);
        return {};
    });
}

nlohmann::ordered_json json_of(const Replay& replay) {
    nlohmann::ordered_json groups = nlohmann::ordered_json::array();
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
    };
    for (const ReplayGroup& group : replay.groups())
        groups.push_back({{"app", group.app},
                          {"before", action_name(group.before)},
                          {"after", action_name(group.after)},
                          {"rule_before", text_or_null(group.rule_before)},
                          {"rule_after", text_or_null(group.rule_after)},
                          {"not_known", text_or_null(group.missing)},
                          {"flows", group.flows},
                          {"example", group.example},
                          {"destination", group.destination}});
    return {{"rows", replay.rows()},       {"flows", replay.flows()},
            {"alike", replay.alike()},     {"changed", replay.changed()},
            {"not_told", replay.untold()}, {"ungrouped", replay.ungrouped()},
            {"groups", std::move(groups)}};
}

Cell action_cell(Action action) {
    const std::string name(action_name(action));
    return {name, colour_of(name)};
}

void print(const Replay& replay, std::size_t limit, const TableStyle& style) {
    fmt::print("{} flows in {} rows: {} alike, {} would change, {} can't be told\n", replay.flows(),
               replay.rows(), replay.alike(), replay.changed(), replay.untold());
    const auto groups = replay.groups();
    Table table({{.title = "PROGRAM", .shrinks = true, .minimum = 16, .keeps_end = true},
                 {.title = "WAS"}, {.title = "WOULD BE"}, {.title = "FLOWS", .right = true},
                 {.title = "BY RULE", .shrinks = true}, {.title = "WOULD BE BY", .shrinks = true},
                 {.title = "EXAMPLE", .shrinks = true, .minimum = 20}},
                style);
    const auto rule = [](const std::string& name) { return name.empty() ? "(default)" : name; };
    std::size_t shown = 0;
    for (const ReplayGroup& group : groups) {
        if (limit != 0 && ++shown > limit) break;
        const bool told = group.missing.empty();
        table.add({{group.app, Colour::none}, action_cell(group.before),
                   told ? action_cell(group.after) : Cell{"?", Colour::yellow},
                   {std::to_string(group.flows), Colour::none}, {rule(group.rule_before), Colour::dim},
                   told ? Cell{rule(group.rule_after), Colour::none}
                        : Cell{"the log lacks: " + group.missing, Colour::yellow},
                   {fmt::format("{} (event {})", group.destination, group.example), Colour::dim}});
    }
    if (!groups.empty()) fmt::print("{}", table.take());
    if (limit != 0 && groups.size() > limit)
        fmt::print("{} more lines: --limit 0 shows all\n", groups.size() - limit);
    if (replay.ungrouped() != 0)
        fmt::print("{} flows of further programs are counted above and not listed\n",
                   replay.ungrouped());
}

int run(const Options& options, const Session& session) {
    const std::int64_t now = wall_clock_us();
    const auto filter = make_filter(options.log, now);
    if (!filter) return report({exit_usage, filter.error().text(), {}});
    const auto view = host_view(options, session);
    if (!view) return report(view.error());
    const auto candidate = rules_of_folder(options.candidate, view->defaults);
    if (!candidate) return report(candidate.error());
    Replay replay(*candidate, view->network ? &*view->network : nullptr, now / 1'000'000);
    if (auto done = replay_rows(options, *filter, replay); !done)
        return report({exit_unreachable, done.error().text(), {}});
    if (options.log.json) print_json(json_of(replay));
    else print(replay, options.limit, session.style());
    return exit_ok;
}

}  // namespace

void add_replay_command(CLI::App& app, Session& session) {
    auto* replay = app.add_subcommand(
        "replay", "what a folder of rules would have decided about what is in the log");
    const auto options = std::make_shared<Options>();
    replay->add_option("candidate", options->candidate, "folder of rule files")
        ->type_name("FOLDER")->required();
    replay->add_option("--database", options->log.database, "audit database of the daemon")
        ->type_name("PATH")->capture_default_str();
    add_log_filters(*replay, options->log);
    replay->add_option("--default-out", options->default_out, "for flows that no rule matches")
        ->type_name("ACTION");
    replay->add_option("--default-in", options->default_in, "the same, inbound")->type_name("ACTION");
    replay->add_option("--default-forward", options->default_forward, "the same, forwarded")
        ->type_name("ACTION");
    replay->add_option("--limit", options->limit, "lines to print at most; 0: all")
        ->type_name("N")->capture_default_str();
    replay->add_flag("--json", options->log.json, "print JSON");
    replay->callback([options, &session] { session.status = run(*options, session); });
}

}  // namespace doorward
