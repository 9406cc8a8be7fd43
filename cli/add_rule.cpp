// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/add_rule.hpp"

#include <ctime>

#include <fmt/format.h>

#include "cli/client.hpp"
#include "fwd/rule_json.hpp"
#include "rules/time_text.hpp"

namespace doorward {
namespace {

// A made-up name that is taken is tried again with a number.
constexpr int max_names = 100;

CommandResult<nlohmann::json> send_rule(Client& client, const NewRule& made, bool last) {
    nlohmann::json parameters{{"rule", rule_to_json(made.rule)},
                              {"position", last ? "last" : "first"}};
    const bool with_process = made.lifetime.until == Lifetime::Until::exit;
    if (made.lifetime.temporary()) parameters["until"] = with_process ? "exit" : "restart";
    if (with_process) parameters["pid"] = made.lifetime.pid;
    if (made.lifetime.started) parameters["started"] = *made.lifetime.started;
    auto answer = client.call("AddRule", std::move(parameters));
    if (!answer) return answer;
    return answer->value("change", nlohmann::json());
}

CommandResult<nlohmann::json> send_named(Client& client, NewRule& made, const RuleOptions& options,
                                         const std::string& verb) {
    if (!options.name.empty()) return send_rule(client, made, options.last);
    const std::string base = suggested_name(verb, made.rule);
    CommandResult<nlohmann::json> sent;
    for (int number = 1; number <= max_names; ++number) {
        made.rule.name = number == 1 ? base : fmt::format("{}-{}", base, number);
        sent = send_rule(client, made, options.last);
        if (sent || sent.error().name != "RuleExists") return sent;
    }
    return sent;
}

void tell(const RuleChange& change, const NewRule& made) {
    const std::string file = change.file.substr(change.file.rfind('/') + 1);
    const std::string where =
        made.lifetime.temporary() ? lifetime_text(made.lifetime) : "to " + file;
    std::string text = fmt::format("added {} {}, evaluated {}", change.name, where,
                                   position_text(change.position, change.rules));
    if (made.rule.expires) text += ", until " + format_time(*made.rule.expires);
    fmt::print("{}\n", printable(text));
}

}  // namespace

std::string position_text(std::uint64_t position, std::uint64_t rules) {
    if (rules == 1) return "as the only rule";
    if (position == 1) return fmt::format("first of {} rules", rules);
    if (position == rules) return fmt::format("last of {} rules", rules);
    return fmt::format("as number {} of {} rules", position, rules);
}

int add_rule(const Session& session, const RuleOptions& options, Action action,
             const std::string& verb) {
    auto made = make_rule(options, action, std::time(nullptr));
    if (!made) return report({exit_usage, made.error().text(), {}});
    auto client = Client::connect(session.socket);
    if (!client) return report(client.error());
    const auto answer = send_named(*client, *made, options, verb);
    if (!answer) return report(answer.error());
    const auto change = as<RuleChange>(*answer);
    if (!change) return report(change.error());
    for (const std::string& note : made->notes) fmt::print(stderr, "{}\n", printable(note));
    if (options.json) print_json(*answer);
    else tell(*change, *made);
    return exit_ok;
}

}  // namespace doorward
