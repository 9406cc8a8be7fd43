// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward flows`.
#include <fmt/format.h>

#include "cli/client.hpp"
#include "cli/commands.hpp"

namespace doorward {
namespace {

std::string endpoint(const Address& address, std::uint16_t port, Protocol protocol) {
    const std::string text = address.to_string();
    if (!has_ports(protocol)) return text;
    return fmt::format("{}:{}", address.is_v4() ? text : "[" + text + "]", port);
}

std::vector<Cell> row_of(const OpenFlow& flow) {
    const bool known = flow.pid != 0;
    return {{std::string(direction_name(flow.direction)), Colour::none},
            {protocol_name(flow.protocol), Colour::none},
            {endpoint(flow.local, flow.local_port, flow.protocol), Colour::none},
            {endpoint(flow.remote, flow.remote_port, flow.protocol), Colour::none},
            {known ? std::to_string(flow.pid) : "", Colour::none},
            {flow.user, Colour::none},
            {known ? flow.exe : "unknown: " + flow.unknown.value_or("?"),
             known ? Colour::none : Colour::yellow},
            {flow.rule.value_or("(default)"), colour_of(action_name(flow.verdict))},
            {duration_text(flow.age_s), Colour::dim}};
}

int show_flows(const Session& session, bool json) {
    const auto answer = ask(session.socket, "ListFlows", "flows");
    if (!answer) return report(answer.error());
    if (json) return print_json(*answer), exit_ok;
    const auto flows = as<std::vector<OpenFlow>>(*answer);
    if (!flows) return report(flows.error());
    Table table({{.title = "DIR"}, {.title = "PROTO"}, {.title = "LOCAL"}, {.title = "REMOTE"},
                 {.title = "PID", .right = true}, {.title = "USER"},
                 {.title = "PROGRAM", .shrinks = true}, {.title = "RULE", .shrinks = true},
                 {.title = "AGE"}},
                session.style());
    for (const OpenFlow& flow : *flows) table.add(row_of(flow));
    fmt::print("{}", table.take());
    return exit_ok;
}

}  // namespace

void add_flows_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("flows", "show the flows that are open now");
    auto* json = add_switch(*command, "--json", "print JSON");
    command->callback(
        [&session, json] { session.status = show_flows(session, json->count() > 0); });
}

}  // namespace doorward
