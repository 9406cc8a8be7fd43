// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward kill`: flows that are open are cut.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/client.hpp"
#include "cli/flows_command.hpp"
#include "cli/log_time.hpp"

namespace doorward {
namespace {

struct Cut {
    OpenFlow flow;
    std::string kept;  // why it goes on; empty: it is cut
};

nlohmann::json ends_of(const OpenFlow& flow) {
    const nlohmann::json all = flow;
    nlohmann::json ends;
    for (const char* key : {"direction", "protocol", "local", "remote", "local_port", "remote_port", "pid"})
        ends[key] = all.at(key);
    return ends;
}

// Ends with the first error that is about no single flow.
CommandResult<std::vector<Cut>> cut(const Session& session, const std::vector<OpenFlow>& flows) {
    std::vector<Cut> done;
    auto client = Client::connect(session.socket);
    if (!client) return std::unexpected(client.error());
    for (const OpenFlow& flow : flows) {
        const auto answer = client->call("CutFlow", {{"flow", ends_of(flow)}});
        if (!answer && answer.error().name != "FlowKept") return std::unexpected(answer.error());
        done.push_back({flow, answer ? std::string() : answer.error().message});
    }
    return done;
}

void print(const std::vector<Cut>& cuts, const Session& session) {
    auto columns = flow_columns();
    columns.insert(columns.begin(), {.title = "CUT"});
    columns.push_back({.title = "WHY NOT"});
    Table table(std::move(columns), session.style());
    for (const Cut& each : cuts) {
        auto cells = flow_cells(each.flow);
        cells.insert(cells.begin(), each.kept.empty() ? Cell{"yes", Colour::none} : Cell{"no", Colour::red});
        cells.push_back({each.kept, Colour::none});
        table.add(std::move(cells));
    }
    fmt::print("{}", table.take());
}

nlohmann::json json_of(const std::vector<Cut>& cuts) {
    auto list = nlohmann::json::array();
    for (const Cut& each : cuts) {
        nlohmann::json item = each.flow;
        item["cut"] = each.kept.empty();
        item["kept"] = each.kept.empty() ? nlohmann::json() : nlohmann::json(each.kept);
        list.push_back(std::move(item));
    }
    return list;
}

int run_kill(const Session& session, const LogOptions& options) {
    if (!has_log_filter(options))
        return report({exit_usage, "nothing says which flows (choose by --app, --pid, --to or another "
                                   "option of doorward flows, which shows what would be cut)", {}});
    const auto filter = make_filter(options, wall_clock_us());
    if (!filter) return report({exit_usage, filter.error().text(), {}});
    const auto flows = chosen_flows(session, *filter);
    if (!flows) return report(flows.error());
    if (flows->empty())
        return report({exit_failed, "no flow that is open now is meant (look at: doorward flows)", {}});
    const auto cuts = cut(session, *flows);
    if (!cuts) return report(cuts.error());
    if (options.json) print_json(json_of(*cuts));
    else print(*cuts, session);
    const auto kept = std::ranges::count_if(*cuts, [](const Cut& each) { return !each.kept.empty(); });
    if (kept == 0) return exit_ok;
    return static_cast<std::size_t>(kept) < cuts->size() ? exit_incomplete : exit_failed;
}

}  // namespace

void add_kill_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("kill", "cut flows that are open now");
    const auto options = std::make_shared<LogOptions>();
    add_log_filters(*command, *options);
    command->add_flag("--json", options->json, "print JSON");
    command->callback([options, &session] { session.status = run_kill(session, *options); });
}

}  // namespace doorward
