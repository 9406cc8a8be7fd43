// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/condition.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/injections.hpp"
#include "rules/week_time.hpp"

namespace doorward {

namespace {

using Text = Result<std::string>;

// What the parsers of values give → the text that stands for it.
std::string text_of(const AppPattern& app) { return app.text; }
std::string text_of(const Pattern& pattern) { return pattern.text; }
std::string text_of(const Prefix& prefix) { return prefix.to_string(); }
std::string text_of(const PortRange& range) { return range.to_string(); }
std::string text_of(const Sha256& digest) { return to_hex(digest); }
std::string text_of(const WeekTime& time) { return time.to_string(); }
std::string text_of(const std::string& text) { return text; }

template <auto parse>
Text canonical(std::string_view text) {
    auto value = parse(text);
    if (!value) return std::unexpected(std::move(value.error()));
    return text_of(*value);
}

template <auto parse>
Text or_set(std::string_view text) {
    const auto name = set_reference(text);
    if (!name) return parse(text);
    if (auto word = parse_word(*name); !word)
        return fail(fmt::format("\"{}\" does not name a set", text.substr(0, 40)),
                    word.error().remedy);
    return std::string(text);
}

Text direction(std::string_view text) {
    if (const auto direction = parse_direction(text)) return std::string(direction_name(*direction));
    return fail(fmt::format("\"{}\" is not a direction", text.substr(0, 40)),
                "use out, in or forward, or leave the key out for all");
}

Text protocol(std::string_view text) {
    if (const auto protocol = parse_protocol(text)) return protocol_name(*protocol);
    return fail(fmt::format("\"{}\" is not a protocol", text.substr(0, 40)),
                "use tcp, udp, icmp, icmpv6, sctp, udplite or a number from 0 to 255");
}

Text injected(std::string_view text) {
    if (parse_injection(text)) return std::string(text);
    return fail(fmt::format("\"{}\" is no way to get other code into a program", text.substr(0, 40)),
                "use preload, library-path, tracer, filter, or any for the first three");
}

Text address(std::string_view text) {
    if (const auto word = parse_network_word(text)) return std::string(network_word(*word));
    return canonical<parse_prefix>(text);
}

constexpr std::array table{
    ConditionInfo{Condition::app, "app", canonical<parse_app>, false, false, SetKind::none,
                  "a path, a pattern of paths, or unknown"},
    ConditionInfo{Condition::user, "user", canonical<parse_user>, false, true, SetKind::none,
                  "a user's name or uid"},
    ConditionInfo{Condition::group, "group", canonical<parse_group>, false, true, SetKind::none,
                  "a group's name or gid"},
    ConditionInfo{Condition::unit, "unit", canonical<parse_unit>, false, true, SetKind::none,
                  "a systemd unit or a pattern"},
    ConditionInfo{Condition::slice, "slice", canonical<parse_slice>, false, true, SetKind::none,
                  "a systemd slice or a pattern"},
    ConditionInfo{Condition::container, "container", canonical<parse_container>, false, true,
                  SetKind::none, "RUNTIME:NAME or a pattern"},
    ConditionInfo{Condition::parent, "parent", canonical<parse_parent>, false, true, SetKind::none,
                  "the path of an ancestor, or a pattern"},
    ConditionInfo{Condition::script, "script", canonical<parse_script>, false, true, SetKind::none,
                  "the path of a script, module:NAME, class:NAME, or a pattern"},
    ConditionInfo{Condition::injected, "injected", injected, false, true, SetKind::none,
                  "preload, library-path, tracer, filter or any"},
    ConditionInfo{Condition::package, "package", canonical<parse_package>, false, true,
                  SetKind::none, "a package's name or a pattern"},
    ConditionInfo{Condition::verity, "verity", canonical<parse_verity>, false, true, SetKind::none,
                  "an fs-verity digest"},
    ConditionInfo{Condition::sha256, "sha256", or_set<canonical<parse_sha256>>, false, true,
                  SetKind::sha256, "64 hexadecimal digits, or set:NAME"},
    ConditionInfo{Condition::direction, "direction", direction, true, false, SetKind::none,
                  "out, in or forward"},
    ConditionInfo{Condition::protocol, "protocol", protocol, false, false, SetKind::none,
                  "a protocol's name or number"},
    ConditionInfo{Condition::to, "to", or_set<address>, false, false, SetKind::addresses,
                  "an address, a prefix, a word such as lan, or set:NAME"},
    ConditionInfo{Condition::from, "from", or_set<address>, false, false, SetKind::addresses,
                  "an address, a prefix, a word such as lan, or set:NAME"},
    ConditionInfo{Condition::port, "port", or_set<canonical<parse_ports>>, false, false,
                  SetKind::ports, "a port, a range, or set:NAME"},
    ConditionInfo{Condition::domain, "domain", or_set<canonical<parse_domain>>, false, false,
                  SetKind::domains, "a host name, *.NAME, or set:NAME"},
    ConditionInfo{Condition::interface, "interface", canonical<parse_interface>, false, false,
                  SetKind::none, "a network interface or a pattern"},
    ConditionInfo{Condition::profile, "profile", parse_word, false, false, SetKind::none,
                  "the name of a profile"},
    ConditionInfo{Condition::when, "when", canonical<WeekTime::parse>, false, false, SetKind::none,
                  "days, hours or both, such as mon-fri 08:00-17:30"},
};

constexpr std::array<std::string_view, network_words> words{"loopback", "multicast", "private",
                                                            "lan",      "dns",       "self"};

}  // namespace

std::span<const ConditionInfo> conditions() { return table; }

const ConditionInfo& condition_info(Condition condition) {
    return *std::ranges::find(table, condition, &ConditionInfo::condition);
}

const ConditionInfo* find_condition(std::string_view key) {
    const auto found = std::ranges::find(table, key, &ConditionInfo::key);
    return found == table.end() ? nullptr : &*found;
}

std::string_view condition_name(Condition condition) {
    switch (condition) {
        case Condition::none: return "none";
        case Condition::enabled: return "enabled";
        case Condition::expires: return "expires";
        default: return condition_info(condition).key;
    }
}

std::optional<std::string_view> set_reference(std::string_view value) {
    if (!value.starts_with(set_prefix)) return std::nullopt;
    return value.substr(set_prefix.size());
}

std::string_view set_kind_name(SetKind kind) {
    switch (kind) {
        case SetKind::addresses: return "addresses";
        case SetKind::ports: return "ports";
        case SetKind::domains: return "domains";
        case SetKind::sha256: return "sha256";
        case SetKind::none: break;
    }
    return "none";
}

std::optional<SetKind> parse_set_kind(std::string_view text) {
    for (const auto kind : {SetKind::addresses, SetKind::ports, SetKind::domains, SetKind::sha256})
        if (text == set_kind_name(kind)) return kind;
    return std::nullopt;
}

Result<std::string> canonical_set_value(SetKind kind, std::string_view text) {
    switch (kind) {
        case SetKind::addresses: return or_set<address>(text);
        case SetKind::ports: return or_set<canonical<parse_ports>>(text);
        case SetKind::domains: return or_set<canonical<parse_domain>>(text);
        case SetKind::sha256: return or_set<canonical<parse_sha256>>(text);
        case SetKind::none: break;
    }
    return fail("such a set has no values");
}

std::string_view network_word(NetworkWord word) { return words[static_cast<std::size_t>(word)]; }

std::optional<NetworkWord> parse_network_word(std::string_view text) {
    const auto found = std::ranges::find(words, text);
    if (found == words.end()) return std::nullopt;
    return static_cast<NetworkWord>(found - words.begin());
}

}  // namespace doorward
