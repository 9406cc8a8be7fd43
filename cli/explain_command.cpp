// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward explain`: which rule would decide, and why the ones before did not match.
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "cli/app_path.hpp"
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/explain_event.hpp"
#include "cli/offline_rules.hpp"
#include "fwd/explain.hpp"
#include "fwd/local_time.hpp"
#include "fwd/read_content.hpp"
#include "fwd/rule_files.hpp"

namespace doorward {
namespace {

struct Options {
    FlowQuestion question;
    std::string app;
    std::string unknown;
    std::string to;
    std::string from;
    std::string domain;
    std::string interface;
    std::string direction = "out";
    std::string rules_folder;
    std::int64_t event = 0;
    std::uint32_t pid = 0;
    std::string database = "/var/lib/doorward/audit.db";
    bool json = false;
};

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

CommandResult<FlowQuestion> question_of(const Options& options) {
    FlowQuestion question = options.question;
    question.direction = parse_direction(options.direction).value_or(Direction::out);
    question.unknown = given(options.unknown);
    question.to = given(options.to);
    question.from = given(options.from);
    question.domain = given(options.domain);
    question.interface = given(options.interface);
    if (options.pid != 0) question.pid = options.pid;
    if (options.app.empty()) return question;
    const auto app = resolve_app(options.app);
    if (!app) return command_fail(exit_usage, app.error());
    if (app->note) fmt::print(stderr, "{}\n", printable(*app->note));
    question.app = app->pattern;
    return question;
}

CommandResult<Explanation> explain_offline(const FlowQuestion& question,
                                           const std::string& folder) {
    const auto ruleset = rules_of_folder(folder, Defaults{});
    if (!ruleset) return std::unexpected(ruleset.error());
    const auto content = [](const std::string& path, Facts wanted) {
        return std::make_shared<const ExecutableContent>(read_content(path, wanted));
    };
    const std::int64_t now = std::time(nullptr);
    const Surroundings around(now, minute_of_week(now));
    auto explanation = explain_question(**ruleset, question, system_environment(), around, content);
    if (!explanation) return command_fail(exit_usage, explanation.error().error);
    return *std::move(explanation);
}

CommandResult<Explanation> explain_by_daemon(const FlowQuestion& question,
                                             const std::string& socket) {
    const auto answer = ask(socket, "Explain", "explanation", {{"question", question}});
    if (!answer) return std::unexpected(answer.error());
    return as<Explanation>(*answer);
}

std::string flow_text(const FlowQuestion& question) {
    const std::string who = question.pid ? fmt::format("process {}", *question.pid)
                            : question.app ? *question.app + " as " + question.user
                                         : "unknown:" + question.unknown.value_or("");
    return fmt::format("{}, {} {}, {} → {} port {}", who, direction_name(question.direction),
                       question.protocol, question.from.value_or("0.0.0.0"),
                       question.to.value_or("0.0.0.0"), question.port) +
           (question.domain ? " called " + *question.domain : "") +
           (question.interface ? " via " + *question.interface : "");
}

// Of a process that runs, what came closest; of an imagined flow all, in their order.
std::vector<ExplainedTrial> shown_trials(const FlowQuestion& question, const Explanation& explanation) {
    constexpr std::size_t most_close = 5;
    std::vector<ExplainedTrial> trials = explanation.trials;
    if (!question.pid) return trials;
    std::ranges::stable_sort(trials, std::ranges::greater(), &ExplainedTrial::held);
    trials.resize(std::min(trials.size(), most_close));
    return trials;
}

void print(const FlowQuestion& question, const Explanation& explanation, const TableStyle& style) {
    fmt::print("{}\n", printable(flow_text(question)));
    Table table(
        {{.title = "RULE"}, {.title = "WRITTEN IN"}, {.title = "DOES NOT MATCH BECAUSE OF"}},
        style);
    for (const ExplainedTrial& trial : shown_trials(question, explanation))
        table.add({{trial.rule, Colour::none}, {trial.place.text(), Colour::dim},
                   {trial.failed, Colour::none}});
    if (!explanation.trials.empty()) fmt::print("{}", table.take());
    const std::string action(action_name(explanation.action));
    const std::string by = explanation.rule
                               ? fmt::format("rule {} ({})", *explanation.rule,
                                             explanation.place.text())
                               : fmt::format("the default for {}bound flows, as no rule matches",
                                             direction_name(question.direction));
    fmt::print("{} by {}\n", painted(action, colour_of(action), style), printable(by));
}

int explain(const Session& session, const Options& options) {
    if (options.event > 0)
        return explain_event_command(session, options.event, options.database, options.json);
    const auto question = question_of(options);
    if (!question) return report(question.error());
    const auto explanation = options.rules_folder.empty()
                                 ? explain_by_daemon(*question, session.socket)
                                 : explain_offline(*question, options.rules_folder);
    if (!explanation) return report(explanation.error());
    if (options.json) print_json(*explanation);
    else print(*question, *explanation, session.style());
    return exit_ok;
}

void add_options(CLI::App& command, Options& options) {
    auto* who = command.add_option_group("who", "one of these is needed");
    who->add_option("--app", options.app, "program: path, or name in PATH")->type_name("APP");
    who->add_option("--unknown", options.unknown, "no program is known, for this reason")
        ->type_name("REASON");
    auto* event = who->add_option("--event", options.event, "a decision of the audit log, by its number")
                      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()))
                      ->type_name("N");
    auto* pid = who->add_option("--pid", options.pid, "a process that runs, with all that it is")
                    ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{INT32_MAX}))
                    ->type_name("PID");
    who->require_option(1);
    command.add_option("--to", options.to, "destination address [0.0.0.0]")->type_name("ADDRESS");
    command.add_option("--from", options.from, "source address [0.0.0.0]")->type_name("ADDRESS");
    command.add_option("--domain", options.domain, "host name of the destination")
        ->type_name("NAME");
    command.add_option("--interface", options.interface, "interface it goes out by or, inbound, comes in by")
        ->type_name("NAME");
    command.add_option("--port", options.question.port, "destination port")
        ->type_name("PORT")
        ->capture_default_str();
    command.add_option("--protocol", options.question.protocol, "tcp, udp, icmp, …")
        ->type_name("PROTOCOL")
        ->capture_default_str();
    command.add_option("--user", options.question.user, "user the program runs as: name or uid")
        ->type_name("USER")
        ->capture_default_str();
    command.add_option("--group", options.question.group, "group it runs as: name or gid")
        ->type_name("GROUP")
        ->capture_default_str();
    command.add_option("--unit", options.question.unit, "systemd unit it is in")->type_name("UNIT");
    command.add_option("--slice", options.question.slice, "systemd slice it is in")
        ->type_name("SLICE");
    command.add_option("--container", options.question.container, "RUNTIME:NAME it is in")
        ->type_name("CONTAINER");
    command.add_option("--parent", options.question.parent, "program of its parent")
        ->type_name("PATH");
    command.add_option("--script", options.question.script, "script that it runs")
        ->type_name("PATH");
    command.add_option("--injected", options.question.injected,
                       "preload, library-path, tracer, filter, with a comma between them")
        ->type_name("WORDS");
    command.add_option("--direction", options.direction, "out or in")
        ->check(CLI::IsMember({"out", "in", "forward"}))
        ->type_name("DIRECTION")
        ->capture_default_str();
    command.add_option("--rules-dir", options.rules_folder,
                       "take the rules from this folder instead of asking the daemon; the defaults "
                       "are then the built-in ones: reject outbound, drop inbound")
        ->type_name("DIR");
    for (const char* what : {"--user", "--group", "--unit", "--slice", "--container", "--parent", "--script", "--injected",
                             "--rules-dir"})
        pid->excludes(command.get_option(what));
    // A decision says all of these itself.
    for (CLI::Option* other : command.get_options())
        if (other != command.get_help_ptr()) event->excludes(other);
    command.add_option("--database", options.database, "audit database, for --event")
        ->needs(event)
        ->type_name("PATH")
        ->capture_default_str();
    command.add_flag("--json", options.json, "print JSON");
}

}  // namespace

void add_explain_command(CLI::App& app, Session& session) {
    const auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "explain", "show which rule would decide a flow, and why the ones before it would not");
    add_options(*command, *options);
    command->callback([&session, options] { session.status = explain(session, *options); });
}

}  // namespace doorward
