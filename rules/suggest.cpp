// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/suggest.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rules/glob.hpp"
#include "rules/time_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

// A path as a rule says it: special characters stand for themselves.
std::string escaped(std::string_view path) {
    if (!Glob::is_pattern(path)) return std::string(path);
    std::string out;
    for (const char c : path) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string last_part(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

// A name that any rule may have, made of what a program is called.
std::string name_from(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_' || c == '.';
        out += plain ? c : '-';
    }
    return out.substr(0, 60);
}

}  // namespace

bool Suggestions::add(const Observed& flow) {
    const auto& app = condition_info(Condition::app);
    const auto& script = condition_info(Condition::script);
    const bool can_be_named = flow.app.starts_with('/') && app.canonical(escaped(flow.app)) &&
                              (flow.script.empty() || script.canonical(escaped(flow.script)));
    if (!can_be_named || groups_ >= most_groups) {
        left_out_ += flow.count;
        return false;
    }
    SeenServices& services = seen_[{flow.app, flow.script, flow.user, flow.direction}];
    SeenService& service = services[{flow.protocol, flow.port}];
    SeenService::Ends& ends = flow.name.empty() ? service.bare : service.named;
    const auto [at, fresh] = ends.try_emplace(flow.name.empty() ? flow.other.to_string() : flow.name);
    at->second.add({flow.count, flow.time, flow.time});
    groups_ += fresh;
    return true;
}

namespace {

// False if one can't be said in a rule: without it the rule would be broader than what was seen.
bool add_values(Rule& rule, Condition condition, const std::vector<std::string>& texts) {
    std::vector<std::string> canonical;
    for (const std::string& text : texts) {
        auto value = condition_info(condition).canonical(text);
        if (!value) return false;
        canonical.push_back(std::move(*value));
    }
    if (!canonical.empty()) rule.add(condition, std::move(canonical));
    return true;
}

}  // namespace

std::optional<Proposal> Suggestions::proposal_of(const Program& program, const SuggestedPart& part) {
    const auto& [app, script, direction] = program;
    const bool inbound = direction == Direction::in;
    Proposal proposal{{}, part.seen.flows, part.destinations, part.seen.since, part.seen.until, {}};
    Rule& rule = proposal.rule;
    rule.name = "suggest-" + name_from(last_part(script.empty() ? app : script));
    rule.action = Action::accept;
    std::vector<std::string> protocols;
    for (const Protocol each : part.protocols) protocols.push_back(protocol_name(each));
    const bool whole =
        add_values(rule, Condition::direction, {std::string(direction_name(direction))}) &&
        add_values(rule, Condition::protocol, protocols) &&
        add_values(rule, Condition::app, {escaped(app)}) &&
        add_values(rule, Condition::user, {part.users.begin(), part.users.end()}) &&
        add_values(rule, inbound ? Condition::from : Condition::to, part.addresses.texts) &&
        add_values(rule, Condition::port, part.ports.texts) &&
        (script.empty() || add_values(rule, Condition::script, {escaped(script)})) &&
        add_values(rule, Condition::domain, part.names.texts);
    if (!whole) return std::nullopt;
    for (const SuggestedValues* values : {&part.ports, &part.names, &part.addresses})
        if (!values->widened.empty()) proposal.widened.push_back(values->widened);
    return proposal;
}

std::vector<Proposal> Suggestions::proposals() const {
    // Users are joined over what the program does: so they are not part of this key.
    std::map<Program, std::vector<SuggestedPart>> programs;
    for (const auto& [who, services] : seen_) {
        auto parts = suggested_parts(std::get<2>(who), services);
        auto& all = programs[{std::get<0>(who), std::get<1>(who), std::get<3>(who)}];
        std::ranges::move(parts, std::back_inserter(all));
    }
    std::vector<Proposal> out;
    for (auto& [program, parts] : programs) {
        merge_parts(parts);
        for (const SuggestedPart& part : parts)
            if (auto proposal = proposal_of(program, part)) out.push_back(std::move(*proposal));
    }
    std::ranges::sort(out, [](const Proposal& a, const Proposal& b) {
        return a.flows != b.flows ? a.flows > b.flows : format_rule(a.rule) < format_rule(b.rule);
    });
    std::map<std::string, std::size_t> names;
    for (Proposal& proposal : out)
        if (const std::size_t number = ++names[proposal.rule.name]; number > 1)
            proposal.rule.name += fmt::format("_{}", number);
    return out;
}

std::string format_proposal(const Proposal& proposal) {
    std::string out = fmt::format("# {} flow{}, {} {}, {} to {}\n", proposal.flows,
                                  proposal.flows == 1 ? "" : "s", proposal.destinations,
                                  proposal.destinations == 1 ? "other end" : "other ends",
                                  format_time(proposal.since), format_time(proposal.until));
    for (const std::string& each : proposal.widened)
        out += fmt::format("# more than was seen: there were {}, and new ones came all the time\n", each);
    return out + format_rule(proposal.rule);
}

}  // namespace doorward
