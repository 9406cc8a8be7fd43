// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

namespace doorward {

namespace {

auto term_key(const Term& term) {
    return std::tuple(term.condition, term.negated, !term.inherited);
}

bool same_term(const Term& a, const Term& b) {
    return term_key(a) == term_key(b) && std::ranges::equal(a.values, b.values, {}, &Value::text,
                                                            &Value::text);
}

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
    switch (level) {
        case LogLevel::journal: return "journal";
        case LogLevel::each: return "each";
        case LogLevel::audit: break;
    }
    return "audit";
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
    for (const auto level : {LogLevel::audit, LogLevel::journal, LogLevel::each})
        if (text == log_level_name(level)) return level;
    return std::nullopt;
}

bool term_before(const Term& a, const Term& b) { return term_key(a) < term_key(b); }

const Term* Rule::find(Condition condition, bool negated) const {
    for (const Term& term : terms)
        if (term.condition == condition && term.negated == negated && !term.inherited) return &term;
    return nullptr;
}

Rule& Rule::add(Condition condition, std::vector<std::string> texts, bool negated) {
    Term term{condition, negated, false, {}};
    auto at = std::ranges::lower_bound(terms, term, term_before);
    if (at == terms.end() || term_key(*at) != term_key(term)) at = terms.insert(at, std::move(term));
    for (auto& text : texts) at->values.push_back({std::move(text)});
    return *this;
}

bool same_rule(const Rule& a, const Rule& b) {
    const auto plain = [](const Rule& rule) {
        return std::tie(rule.name, rule.action, rule.log, rule.enabled, rule.expires, rule.tags,
                        rule.comment);
    };
    return plain(a) == plain(b) && std::ranges::equal(a.terms, b.terms, same_term);
}

bool same_rules(const std::vector<Rule>& a, const std::vector<Rule>& b) {
    return std::ranges::equal(a, b, same_rule);
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
