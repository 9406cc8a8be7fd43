// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward flows`: what is open now, and what opens and ends from now on.
#include "cli/flows_command.hpp"

#include <algorithm>
#include <memory>
#include <tuple>

#include <fmt/format.h>

#include "cli/client.hpp"
#include "cli/follow.hpp"
#include "cli/log_row.hpp"
#include "cli/log_time.hpp"

namespace doorward {
namespace {

constexpr std::chrono::milliseconds look_interval{500};

auto identity(const OpenFlow& flow) {
    return std::tie(flow.direction, flow.protocol, flow.local, flow.remote, flow.local_port,
                    flow.remote_port, flow.pid);
}

bool before(const OpenFlow& a, const OpenFlow& b) { return identity(a) < identity(b); }

std::string end_text(const OpenFlow& flow, const Address& address, std::uint16_t port) {
    return endpoint_text(address, has_ports(flow.protocol) ? port : std::uint16_t{0});
}

// The name where there is one: it says more than an address, and is shorter than many.
std::string remote_text(const OpenFlow& flow) {
    if (flow.host.empty()) return end_text(flow, flow.remote, flow.remote_port);
    return has_ports(flow.protocol) ? fmt::format("{}:{}", flow.host, flow.remote_port) : flow.host;
}

std::string what_runs(const OpenFlow& flow) {
    if (flow.exe.empty()) return "unknown:" + flow.unknown.value_or("?");
    if (!flow.appimage.empty()) return flow.exe + " of " + flow.appimage;
    return flow.script.empty() ? flow.exe : flow.exe + " " + flow.script;
}

std::string bytes_text(const std::optional<std::uint64_t>& bytes) {
    if (!bytes) return "?";
    if (*bytes < 10'000) return std::to_string(*bytes);
    double size = static_cast<double>(*bytes) / 1000;
    const char* unit = "kMGTP";
    for (; size >= 999.5 && unit[1] != 0; ++unit) size /= 1000;
    return fmt::format("{:.{}f} {}", size, size < 99.5 ? 1 : 0, *unit);
}

}  // namespace

std::vector<Column> flow_columns() {
    return {{.title = "DIR"}, {.title = "PROTO"}, {.title = "LOCAL"}, {.title = "REMOTE", .shrinks = true},
            {.title = "PID", .right = true}, {.title = "USER"},
            {.title = "PROGRAM", .shrinks = true, .keeps_end = true}, {.title = "VERDICT"},
            {.title = "RULE", .shrinks = true}, {.title = "AGE"}, {.title = "SENT", .right = true}, {.title = "RECEIVED", .right = true}};
}

std::vector<Cell> flow_cells(const OpenFlow& flow) {
    const bool known = !flow.exe.empty();
    return {{std::string(direction_name(flow.direction)), Colour::none},
            {protocol_name(flow.protocol), Colour::none},
            {end_text(flow, flow.local, flow.local_port), Colour::none},
            {remote_text(flow), Colour::none},
            {flow.pid ? std::to_string(*flow.pid) : "", Colour::none},
            {flow.user, Colour::none},
            {what_runs(flow), known ? Colour::none : Colour::yellow},
            verdict_cell(flow.verdict, flow.decision),
            {flow.rule.value_or("(default)"), Colour::none},
            {duration_text(flow.age_s), Colour::dim},
            {bytes_text(flow.sent), Colour::none},
            {bytes_text(flow.received), Colour::none}};
}

CommandResult<std::vector<OpenFlow>> chosen_flows(const Session& session, const AuditFilter& filter) {
    const auto answer = ask(session.socket, "ListFlows", "flows");
    if (!answer) return std::unexpected(answer.error());
    auto flows = as<std::vector<OpenFlow>>(*answer);
    if (!flows) return flows;
    std::erase_if(*flows, [&](const OpenFlow& flow) { return !matches(filter, flow); });
    std::ranges::sort(*flows, [](const OpenFlow& a, const OpenFlow& b) {
        return std::tie(a.exe, a.unknown, a.pid) < std::tie(b.exe, b.unknown, b.pid) ||
               (std::tie(a.exe, a.unknown, a.pid) == std::tie(b.exe, b.unknown, b.pid) && before(a, b));
    });
    return flows;
}

namespace {

// Lines of a flow's beginning and end.
class Events {
public:
    Events(bool json, TableStyle style) : json_(json), table_(columns(), style) {}

    void add(const char* event, const OpenFlow& flow) {
        if (json_) {
            nlohmann::json line = flow;
            line["event"] = event;
            text_ += line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
            return;
        }
        auto cells = flow_cells(flow);
        cells.insert(cells.begin(), {event, *event == 'e' ? Colour::dim : Colour::none});
        table_.add(std::move(cells));
    }

    void print() {
        if (!json_) text_ = table_.take();
        fmt::print("{}", text_);
        std::fflush(stdout);
        text_.clear();
    }

private:
    static std::vector<Column> columns() {
        auto columns = flow_columns();
        columns.insert(columns.begin(), {.title = "EVENT", .minimum = 5});
        return columns;
    }

    bool json_;
    Table table_;
    std::string text_;
};

// A flow that begins and ends between two looks isn't told of: the log has it.
CommandResult<void> follow(const Session& session, const AuditFilter& filter, Events& events,
                           std::vector<OpenFlow> open) {
    std::ranges::sort(open, before);
    while (!stop_following(look_interval)) {
        auto now = chosen_flows(session, filter);
        if (!now) return std::unexpected(now.error());
        std::ranges::sort(*now, before);
        for (const OpenFlow& flow : *now)
            if (!std::ranges::binary_search(open, flow, before)) events.add("new", flow);
        for (const OpenFlow& flow : open)
            if (!std::ranges::binary_search(*now, flow, before)) events.add("ended", flow);
        events.print();
        open = *std::move(now);
    }
    return {};
}

int show_flows(const Session& session, const LogOptions& options) {
    const auto filter = make_filter(options, wall_clock_us());
    if (!filter) return report({exit_usage, filter.error().text(), {}});
    const auto flows = chosen_flows(session, *filter);
    if (!flows) return report(flows.error());
    if (options.follow) {
        const StopOnSignal stop;
        Events events(options.json, session.style());
        for (const OpenFlow& flow : *flows) events.add("open", flow);
        events.print();
        const auto done = follow(session, *filter, events, *flows);
        return done ? exit_ok : report(done.error());
    }
    if (options.json) return print_json(*flows), exit_ok;
    Table table(flow_columns(), session.style());
    for (const OpenFlow& flow : *flows) table.add(flow_cells(flow));
    fmt::print("{}", table.take());
    return exit_ok;
}

}  // namespace

void add_flows_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("flows", "show the flows that are open now, by program");
    const auto options = std::make_shared<LogOptions>();
    add_log_filters(*command, *options);
    command->add_flag("--follow,-f", options->follow, "then print what opens and ends, until Ctrl-C");
    command->add_flag("--json", options->json, "print JSON; with --follow one object per line");
    command->callback([options, &session] { session.status = show_flows(session, *options); });
}

}  // namespace doorward
