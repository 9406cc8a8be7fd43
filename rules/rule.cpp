// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

namespace doorward {

namespace {

bool same_app(const AppPattern& a, const AppPattern& b) {
    return std::tie(a.kind, a.text, a.reason) == std::tie(b.kind, b.text, b.reason);
}

bool same_user(const UserPattern& a, const UserPattern& b) { return a.text == b.text; }

bool same_pattern(const Pattern& a, const Pattern& b) {
    return std::tie(a.text, a.glob) == std::tie(b.text, b.glob);
}

bool same_identity(const Rule& a, const Rule& b) {
    return std::ranges::equal(a.apps, b.apps, same_app) &&
           std::ranges::equal(a.users, b.users, same_user) &&
           std::ranges::equal(a.groups, b.groups, same_user) &&
           std::ranges::equal(a.parents, b.parents, same_pattern) &&
           std::ranges::equal(a.scripts, b.scripts, same_pattern) &&
           std::ranges::equal(a.units, b.units, same_pattern) &&
           std::ranges::equal(a.slices, b.slices, same_pattern) &&
           std::ranges::equal(a.containers, b.containers, same_pattern) &&
           std::ranges::equal(a.packages, b.packages, same_pattern);
}

bool same_domain(const DomainPattern& a, const DomainPattern& b) { return a.text == b.text; }

}  // namespace

std::string_view action_name(Action action) {
    switch (action) {
        case Action::accept: return "accept";
        case Action::drop: return "drop";
        case Action::reject: return "reject";
    }
    return "drop";
}

std::optional<Action> parse_action(std::string_view text) {
    for (const auto action : {Action::accept, Action::drop, Action::reject})
        if (text == action_name(action)) return action;
    return std::nullopt;
}

std::string_view log_level_name(LogLevel level) {
    return level == LogLevel::journal ? "journal" : "audit";
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
    for (const auto level : {LogLevel::audit, LogLevel::journal})
        if (text == log_level_name(level)) return level;
    return std::nullopt;
}

bool same_rule(const Rule& a, const Rule& b) {
    const auto plain = [](const Rule& rule) {
        return std::tie(rule.name, rule.action, rule.log, rule.enabled, rule.expires,
                        rule.direction, rule.protocols, rule.to, rule.from, rule.ports,
                        rule.sha256, rule.verity, rule.comment);
    };
    return plain(a) == plain(b) && same_identity(a, b) &&
           std::ranges::equal(a.domains, b.domains, same_domain);
}

bool same_rules(const std::vector<Rule>& a, const std::vector<Rule>& b) {
    return std::ranges::equal(a, b, same_rule);
}

bool needs_process(const Rule& rule) {
    return !rule.users.empty() || !rule.groups.empty() || !rule.parents.empty() ||
           !rule.scripts.empty() || !rule.units.empty() || !rule.slices.empty() ||
           !rule.containers.empty() || !rule.packages.empty() || !rule.verity.empty() ||
           !rule.sha256.empty();
}

bool has_ports(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp:
        case Protocol::udp:
        case Protocol::udplite:
        case Protocol::sctp: return true;
        default: return false;
    }
}

std::optional<std::uint32_t> parse_uid(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::uint32_t uid = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, uid);
    if (error != std::errc{} || stop != end) return std::nullopt;
    if (uid == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return uid;
}

}  // namespace doorward
