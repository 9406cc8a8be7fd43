// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that can never match: those that another one above covers, and those that have expired.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ruleset.hpp"
#include "rules/value_cover.hpp"

namespace doorward {

// A rule of a pack, which must outlive this.
struct RuleOfPack {
    const RulePack* pack = nullptr;
    std::size_t at = 0;

    const RulePack::PackedRule& packed() const { return pack->packed(at); }
    std::string_view name() const { return pack->text(packed().name); }
    Place place() const { return pack->place(packed()); }
};

struct DeadRule {
    RuleOfPack rule;
    RuleOfPack by{};  // the one that covers it; no pack: it has expired
};

struct DeadRules {
    std::vector<DeadRule> rules;  // in evaluation order
    bool whole = true;            // false: it took too long, and not all were looked at
};

// Of packs that compile, in evaluation order. Says nothing of disabled rules, and nothing that could be
// wrong: that a rule is not named proves nothing. Time is bounded by `most_steps`, see covers().
// `now`: seconds since the epoch.
DeadRules find_dead_rules(const Ruleset::Packs& packs, std::int64_t now, const ResolvePath& resolve,
                          std::size_t most_steps = std::size_t{5} << 20);

// `FILE:L:C: rule "b" never matches: rule "a" (FILE:L:C) covers it`, at most `most` of these; then how
// many more there are, and whether all were looked at.
std::vector<std::string> warnings(const DeadRules& dead, std::size_t most);

}  // namespace doorward
