// SPDX-License-Identifier: GPL-2.0-or-later
// The options that describe a rule, shared by `rules add`, `allow` and `deny`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command_error.hpp"
#include "fwd/rule_lifetime.hpp"
#include "rules/rule.hpp"

namespace doorward {

struct RuleOptions {
    std::string name;
    std::vector<std::string> apps;
    std::map<Condition, std::vector<std::string>> conditions;  // but `app` and `direction`
    std::map<Condition, std::vector<std::string>> negated;     // --not-…
    std::vector<std::string> tags;
    std::string duration;  // --for
    bool until_restart = false;
    std::string until_exit;
    std::string comment;
    bool in = false;
    bool out = false;
    bool journal = false;
    bool each = false;
    bool last = false;
    bool json = false;
};

// All but `apps` and `name`, which each command takes in its own way.
void add_rule_options(CLI::App& command, RuleOptions& options);

struct NewRule {
    Rule rule;
    Lifetime lifetime;
    std::vector<std::string> notes;  // about the programs that were chosen
};

// `now` in seconds since the epoch. The name may still be empty.
Result<NewRule> make_rule(const RuleOptions& options, Action action, std::int64_t now);

// "20m", "2h", "1d", "90s" → seconds. `option` is for the error.
Result<std::int64_t> parse_duration(const std::string& text, const std::string& option = "--for");

// The text of --until-exit → a process, with the time at which it started if /proc tells it.
Result<Lifetime> parse_until_exit(const std::string& text);

// "deny-curl-443": what the rule does, to whom, and the first port or address.
std::string suggested_name(const std::string& verb, const Rule& rule);

}  // namespace doorward
