// SPDX-License-Identifier: GPL-2.0-or-later
// The rule as it was written (the intermediate form between YAML and the compiled ruleset).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/address.hpp"
#include "rules/condition.hpp"
#include "rules/flow.hpp"
#include "rules/result.hpp"

namespace doorward {

enum class Action : std::uint8_t { accept, drop, reject };

std::string_view action_name(Action action);
std::optional<Action> parse_action(std::string_view text);

// Every decision is in the audit log; `journal` adds a line to the system journal.
enum class LogLevel : std::uint8_t {
    audit,    // flows of one kind that follow each other may share a row of the audit log
    journal,  // the same, and a line in the system journal for each row
    each,     // a row for each flow
};

std::string_view log_level_name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

struct Value {
    std::string text;  // as ConditionInfo::canonical gives it
    int line = 0;      // both from 1; 0: not from a file
    int column = 0;
};

// A condition: one of its values must hold or, negated, none of them may. What can't be said of a
// flow at all (the port of an ICMP message, the user of an unknown process) meets neither.
struct Term {
    Condition condition = Condition::none;
    bool negated = false;    // written under `not`
    bool inherited = false;  // written at a group of rules that this one is in
    std::vector<Value> values;
};

struct Rule {
    std::string name;                  // unique over all files of a ruleset
    Action action = Action::drop;
    LogLevel log = LogLevel::audit;
    bool enabled = true;
    std::optional<std::int64_t> expires{};  // seconds since the epoch, UTC; matches before it only
    std::vector<Term> terms{};         // all must be met
    std::vector<std::string> tags{};
    std::string comment{};
    Place place{};                     // of the rule's first key

    // The rule's own term; null if it has none.
    const Term* find(Condition condition, bool negated = false) const;
    bool has(Condition condition) const { return find(condition) != nullptr; }

    // Adds values to the rule's own term, which is made at its place in the order if it isn't there.
    // `texts` must be canonical.
    Rule& add(Condition condition, std::vector<std::string> texts, bool negated = false);
};

// Of a set or a profile: values of one kind under a name.
struct SetDefinition {
    std::string name;
    SetKind kind = SetKind::addresses;
    std::vector<Value> values;  // canonical_set_value(), "set:NAME" or "file:PATH"
    Place place;
};

// A network that this host can be in. Holds if all that is given holds.
struct ProfileDefinition {
    std::string name;
    std::vector<std::string> gateways;      // addresses: one of them is a default gateway
    std::vector<std::string> gateway_macs;  // "aa:bb:cc:dd:ee:ff": of a default gateway
    std::vector<std::string> interfaces;    // names or patterns: one of them is up
    std::vector<std::string> domains;       // one of them is a search domain
    Place place;
};

// Where terms stand: by condition, the negated one behind the other, what is inherited first.
bool term_before(const Term& a, const Term& b);

// The same in all but the places they were read from.
bool same_rule(const Rule& a, const Rule& b);
bool same_rules(const std::vector<Rule>& a, const std::vector<Rule>& b);

// Whether flows of this protocol have ports; a rule with `port` matches no others.
bool has_ports(Protocol protocol);

// A decimal uid or gid, 0…4294967294 (the number above means "nobody at all" to the kernel).
std::optional<std::uint32_t> parse_uid(std::string_view text);

}  // namespace doorward
