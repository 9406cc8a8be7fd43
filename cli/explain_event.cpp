// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/explain_event.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/log_row.hpp"
#include "cli/log_time.hpp"
#include "cli/offline_rules.hpp"
#include "cli/rules_in_force.hpp"
#include "fwd/audit_query.hpp"
#include "fwd/explain.hpp"
#include "fwd/local_time.hpp"
#include "fwd/recorded_flow.hpp"
#include "fwd/rule_files.hpp"

namespace doorward {
namespace {

constexpr std::size_t most_close = 5;

CommandResult<AuditRecord> read_event(const std::string& database, std::int64_t event) {
    auto reader = AuditReader::open(database);
    if (!reader) return command_fail(exit_unreachable, reader.error());
    const auto last = reader->last_id();
    if (!last) return command_fail(exit_unreachable, last.error());
    const auto rows = reader->rows({}, event - 1, event, 1);
    if (!rows) return command_fail(exit_unreachable, rows.error());
    if (rows->empty())
        return command_fail(exit_failed, Error{fmt::format("there is no event {} in {} (the newest is {})",
                                                           event, database, *last),
                                               "see the numbers with: doorward log --json", {}});
    if (!about_a_flow(rows->front()))
        return command_fail(exit_failed, Error{fmt::format("event {} is about no flow ({})", event,
                                                           rows->front().reason),
                                               "choose one that has a destination", {}});
    return rows->front();
}

std::string by_text(const std::string& rule, const Place& place) {
    if (rule.empty()) return "the default";
    return place.file.empty() ? "rule " + rule : fmt::format("rule {} ({})", rule, place.text());
}

nlohmann::json json_of(const AuditRecord& row, const EventAnswer& now) {
    const auto rule_or_null = [](const std::string& rule) {
        return rule.empty() ? nlohmann::json() : nlohmann::json(rule);
    };
    const auto place_json = [](const Place& place) {
        return nlohmann::json{{"file", place.file}, {"line", place.line}, {"column", place.column}};
    };
    nlohmann::json closest = nlohmann::json::array();
    for (const CloseRule& each : now.closest)
        closest.push_back({{"rule", each.rule}, {"place", place_json(each.place)}, {"failed", each.failed},
                           {"held", each.held}});
    return {{"event", row.id},
            {"then", {{"action", action_name(row.decision)}, {"rule", rule_or_null(row.rule)}}},
            {"now", {{"action", action_name(now.action)}, {"rule", rule_or_null(now.rule)}, {"place", place_json(now.place)}}},
            {"differs", now.differs(row)},
            {"not_known", now.not_known},
            {"closest", std::move(closest)}};
}

void print(const AuditRecord& row, const EventAnswer& now, const TableStyle& style) {
    const auto action = [&](Action which) {
        const std::string name(action_name(which));
        return painted(name, colour_of(name), style);
    };
    fmt::print("event {}, {}: {}, {} {}, {}\n", row.id, local_time_text(row.time_us), printable(program_text(row) + injected_text(row)),
               direction_name(row.direction), protocol_name(row.protocol), printable(destination_text(row)));
    fmt::print("then: {} by {}\n", action(row.decision), printable(by_text(row.rule, {})));
    fmt::print("now:  {} by {}{}\n", action(now.action), printable(by_text(now.rule, now.place)),
               now.differs(row) ? ", which differs" : ", as then");
    if (!now.not_known.empty())
        fmt::print("not certain, as the log lacks: {}\n", fmt::join(now.not_known, ", "));
    if (now.closest.empty()) return;
    Table table({{.title = "CLOSEST BEFORE"}, {.title = "WRITTEN IN"}, {.title = "MET", .right = true},
                 {.title = "DOES NOT MATCH BECAUSE OF"}}, style);
    for (const CloseRule& each : now.closest)
        table.add({{each.rule, Colour::none}, {each.place.text(), Colour::dim}, {std::to_string(each.held), Colour::none},
                   {each.failed, Colour::none}});
    fmt::print("{}", table.take());
}

}  // namespace

EventAnswer explain_event(const Ruleset& rules, const std::vector<Place>& origins, const AuditRecord& record,
                          const Surroundings& around) {
    const RecordedFlow recorded(record);
    const auto place_of = [&](std::uint32_t at) { return at < origins.size() ? origins[at] : rules.place(at); };
    const Decision decision = rules.decide(recorded.flow(), around);
    EventAnswer out;
    out.action = decision.action;
    if (decision.rule != Decision::no_rule) {
        out.rule = rules.name(decision.rule);
        out.place = place_of(decision.rule);
    }
    for (const std::string_view name : input_names(recorded.not_known(decision, around.network != nullptr)))
        out.not_known.emplace_back(name);
    for (const Trial& trial : rules.explain(recorded.flow(), around)) {
        if (trial.failed == Condition::none) break;
        const std::string failed(condition_name(trial.failed));
        out.closest.push_back({std::string(rules.name(trial.rule)), place_of(trial.rule),
                               trial.negated ? "not " + failed : failed, held_before(rules.rule(trial.rule), trial)});
    }
    std::ranges::stable_sort(out.closest, std::ranges::greater(), &CloseRule::held);
    out.closest.resize(std::min(out.closest.size(), most_close));
    return out;
}

int explain_event_command(const Session& session, std::int64_t event, const std::string& database, bool json) {
    const auto row = read_event(database, event);
    if (!row) return report(row.error());
    const auto view = ask_host_view(session.socket);
    if (!view) return report(view.error());
    const auto in_force = ask_rules_in_force(session.socket);
    if (!in_force) return report(in_force.error());
    const auto rules = Ruleset::compile(Ruleset::Packs{in_force->pack}, view->defaults, system_environment());
    if (!rules) return report({exit_failed, rules.error().text(), {}});
    LocalMinute minute;
    const Surroundings around(std::time(nullptr), minute.at(row->time_us / 1'000'000),
                              view->network ? &*view->network : nullptr);
    const EventAnswer answer = explain_event(**rules, in_force->origins, *row, around);
    if (json) print_json(json_of(*row, answer));
    else print(*row, answer, session.style());
    return exit_ok;
}

}  // namespace doorward
