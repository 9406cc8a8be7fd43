// SPDX-License-Identifier: GPL-2.0-or-later
// The rule as it was written (the intermediate form between YAML and the compiled ruleset).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/address.hpp"
#include "rules/flow.hpp"
#include "rules/result.hpp"

namespace doorward {

enum class Action : std::uint8_t { accept, drop, reject };

std::string_view action_name(Action action);
std::optional<Action> parse_action(std::string_view text);

// Every decision is in the audit log; `journal` adds a line to the system journal.
enum class LogLevel : std::uint8_t { audit, journal };

std::string_view log_level_name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

// One entry of `app:`. Which fields count depends on `kind`.
struct AppPattern {
    enum class Kind : std::uint8_t { path, glob, unknown };
    Kind kind = Kind::path;
    std::string text;                  // path or glob, as written
    std::optional<Unknown> reason;     // kind unknown: only this reason; none: any reason
    Place place;
};

// Of a user or of a group.
struct UserPattern {
    std::string text;                  // a name or a decimal id, as written
    Place place;
};

// A value, or a glob over such values: a path (`parent`, `script`), or the name of a unit, a slice or
// a container.
struct Pattern {
    std::string text;                  // as written
    bool glob = false;
    Place place;
};

struct DomainPattern {
    std::string text;                  // "example.org", or "*.example.org": what is below; lower case
    Place place;
};

struct PortRange {
    std::uint16_t first = 0;  // both inclusive, host byte order
    std::uint16_t last = 0;

    bool operator==(const PortRange&) const = default;
};

// An empty list is a condition that is not there: it matches everything.
struct Rule {
    std::string name;                  // unique over all files of a ruleset
    Action action = Action::drop;
    LogLevel log = LogLevel::audit;
    bool enabled = true;
    std::optional<std::int64_t> expires;  // seconds since the epoch, UTC; matches before it only
    std::optional<Direction> direction;
    std::vector<AppPattern> apps;
    std::vector<UserPattern> users;
    std::vector<UserPattern> groups;
    std::vector<Pattern> parents;      // of any of the process's ancestors
    std::vector<Pattern> scripts;
    std::vector<Pattern> units;
    std::vector<Pattern> slices;
    std::vector<Pattern> containers;
    std::vector<Sha256> sha256;        // of the executable's file
    std::vector<std::string> verity;   // its fs-verity digest: "sha256:<hex>", lower case
    std::vector<Pattern> packages;     // which the executable's file is part of
    std::vector<Protocol> protocols;
    std::vector<Prefix> to;            // destination of the flow's first packet
    std::vector<Prefix> from;          // source of the flow's first packet
    std::vector<PortRange> ports;      // destination port
    std::vector<DomainPattern> domains;  // names of the remote address; outbound flows only
    std::string comment;
    Place place;                       // of the rule's first key
};

// The same in all but the places they were read from.
bool same_rule(const Rule& a, const Rule& b);
bool same_rules(const std::vector<Rule>& a, const std::vector<Rule>& b);

// Whether flows of this protocol have ports; a rule with `port` matches no others.
bool has_ports(Protocol protocol);

// Whether a rule has a condition on the process beside `app`; a flow without one doesn't meet it.
bool needs_process(const Rule& rule);

// A decimal uid or gid, 0…4294967294 (the number above means "nobody at all" to the kernel).
std::optional<std::uint32_t> parse_uid(std::string_view text);

}  // namespace doorward
