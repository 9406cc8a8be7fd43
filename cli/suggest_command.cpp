// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward suggest`: rules for what no rule has decided yet, as proposals to be reviewed.
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/add_rule.hpp"
#include "cli/client.hpp"
#include "cli/log_command.hpp"
#include "cli/log_time.hpp"
#include "fwd/local_time.hpp"
#include "fwd/recorded_flow.hpp"
#include "fwd/rule_files.hpp"
#include "fwd/rule_json.hpp"
#include "rules/file_format.hpp"
#include "rules/script.hpp"
#include "rules/suggest.hpp"

namespace doorward {
namespace {

constexpr std::string_view by_default = "default-";

struct Options {
    LogOptions log;  // which rows
    bool review = false;
};

// What was made of the log.
struct Made {
    Suggestions suggestions;
    std::uint64_t flows = 0;
    std::uint64_t unknown = 0;  // of no known program: no rule is proposed for what nobody is
    // How the proposals of the first four fifths do with the last one.
    std::shared_ptr<const Ruleset> trained;
    std::uint64_t held_out = 0, covered = 0;
};

Observed observed(const AuditRecord& record) {
    Observed flow;
    flow.app = record.appimage.empty() ? record.exe : record.appimage;
    if (!record.script.starts_with(unknown_prefix)) flow.script = record.script;
    flow.user = record.user.empty() ? std::to_string(record.uid) : record.user;
    flow.direction = record.direction;
    flow.protocol = record.protocol;
    flow.other = record.remote;
    if (record.direction == Direction::out) flow.name = record.host;
    const bool in = record.direction == Direction::in;
    if (has_ports(record.protocol)) flow.port = in ? record.local_port : record.remote_port;
    flow.time = record.time_us / 1'000'000;
    flow.count = flows_of(record);
    return flow;
}

Result<std::shared_ptr<const Ruleset>> ruleset_of(const std::vector<Proposal>& proposals) {
    std::vector<Rule> rules;
    for (const Proposal& each : proposals) rules.push_back(each.rule);
    return Ruleset::compile(rules, Defaults{}, system_environment());
}

Result<void> take(Made& made, const AuditRecord& row, bool hold_out) {
    if (!about_a_flow(row) || !row.reason.starts_with(by_default) || row.direction == Direction::forward)
        return {};
    if (row.unknown != Unknown::none) {
        made.unknown += flows_of(row);
        return {};
    }
    const Observed flow = observed(row);
    if (hold_out && !made.trained) {
        auto trained = ruleset_of(made.suggestions.proposals());
        if (!trained) return std::unexpected(trained.error());
        made.trained = std::move(*trained);
    }
    if (hold_out) {
        const RecordedFlow recorded(row);
        const std::int64_t seconds = row.time_us / 1'000'000;
        const auto decision = made.trained->decide(recorded.flow(), {seconds, minute_of_week(seconds)});
        made.held_out += flow.count;
        if (decision.rule != Decision::no_rule) made.covered += flow.count;
    }
    made.flows += flow.count;
    made.suggestions.add(flow);
    return {};
}

Result<void> read_log(const std::string& database, const AuditFilter& filter, Made& made) {
    auto reader = AuditReader::open(database);
    if (!reader) return std::unexpected(reader.error());
    const auto last = reader->last_id();
    if (!last) return std::unexpected(last.error());
    std::int64_t first = 0;
    return reader->each_row(filter, [&](const AuditRecord& row) {
        if (first == 0) first = row.id;
        return take(made, row, row.id > first + (*last - first) / 5 * 4);
    });
}

std::string summary_of(const Made& made, std::size_t proposals) {
    std::string text = fmt::format("{} rule{} for {} flows that no rule decided", proposals,
                                   proposals == 1 ? "" : "s", made.flows);
    if (made.unknown != 0) text += fmt::format("; {} more are of no known program", made.unknown);
    if (made.suggestions.left_out() != 0)
        text += fmt::format("; {} are of programs that no rule can name, or too many",
                            made.suggestions.left_out());
    if (made.held_out != 0)
        text += fmt::format("\nmade of the first four fifths, they let {:.1f} % of the last fifth pass",
                            100.0 * static_cast<double>(made.covered) / static_cast<double>(made.held_out));
    return text;
}

int print(const std::vector<Proposal>& proposals, const std::string& summary) {
    std::string text = "# Proposals of doorward suggest. Take those that you agree with.\n";
    std::string_view rest = summary;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        text += fmt::format("# {}\n", rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    text += "rules:\n";
    for (const Proposal& each : proposals) text += format_proposal(each);
    if (proposals.empty()) text += "  []\n";
    const auto formatted = format_rule_file(text, "suggestions");
    if (!formatted) return report({exit_failed, formatted.error().text(), {}});
    fmt::print("{}", *formatted);
    return exit_ok;
}

int print_json_of(const Made& made, const std::vector<Proposal>& proposals) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Proposal& each : proposals)
        list.push_back({{"rule", rule_to_json(each.rule)}, {"flows", each.flows},
                        {"other_ends", each.destinations}, {"since", each.since},
                        {"until", each.until}, {"widened", each.widened}});
    print_json({{"flows", made.flows}, {"unknown", made.unknown},
                {"left_out", made.suggestions.left_out()}, {"held_out", made.held_out},
                {"covered", made.covered}, {"proposals", std::move(list)}});
    return exit_ok;
}

// The names of rules are unique in the daemon; a proposal's may be taken since an earlier review.
CommandResult<std::string> add(Client& client, Rule rule) {
    constexpr int most = 100;
    const std::string base = rule.name;
    for (int number = 1;; ++number) {
        if (number > 1) rule.name = fmt::format("{}-{}", base, number);
        const auto answer = client.call("AddRule", {{"rule", rule_to_json(rule)}, {"position", "last"}});
        if (answer) return rule.name;
        if (answer.error().name != "RuleExists" || number == most) return std::unexpected(answer.error());
    }
}

int review(const std::vector<Proposal>& proposals, const Session& session) {
    auto client = Client::connect(session.socket);
    if (!client) return report(client.error());
    std::size_t number = 0;
    for (const Proposal& each : proposals) {
        fmt::print("\n[{} of {}]\n{}Add this rule? [y]es, [n]o, [q]uit: ", ++number, proposals.size(),
                   format_proposal(each));
        std::fflush(stdout);
        std::string answer;
        if (!std::getline(std::cin, answer) || answer.starts_with('q')) break;
        if (!answer.starts_with('y')) continue;
        const auto added = add(*client, each.rule);
        if (!added) return report(added.error());
        fmt::print("added {}\n", printable(*added));
    }
    fmt::print("\n");
    return exit_ok;
}

int run(const Options& options, const Session& session) {
    const auto filter = make_filter(options.log, wall_clock_us());
    if (!filter) return report({exit_usage, filter.error().text(), {}});
    Made made;
    if (auto read = read_log(options.log.database, *filter, made); !read)
        return report({exit_unreachable, read.error().text(), {}});
    const auto proposals = made.suggestions.proposals();
    if (options.log.json) return print_json_of(made, proposals);
    const std::string summary = summary_of(made, proposals.size());
    if (!options.review) return print(proposals, summary);
    fmt::print("{}\n", summary);
    return review(proposals, session);
}

}  // namespace

void add_suggest_command(CLI::App& app, Session& session) {
    auto* suggest = app.add_subcommand(
        "suggest", "propose rules for what is in the log and no rule has decided");
    const auto options = std::make_shared<Options>();
    suggest->add_option("--database", options->log.database, "audit database of the daemon")
        ->type_name("PATH")->capture_default_str();
    add_log_filters(*suggest, options->log);
    suggest->add_flag("--review", options->review, "ask about one after the other, and add those agreed to");
    suggest->add_flag("--json", options->log.json, "print JSON");
    suggest->callback([options, &session] { session.status = run(*options, session); });
}

}  // namespace doorward
