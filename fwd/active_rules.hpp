// SPDX-License-Identifier: GPL-2.0-or-later
// The ruleset in force. The main thread publishes, the packet thread reads, neither waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "fwd/config.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

struct ActiveRules {
    ActiveRules(std::shared_ptr<const Ruleset> ruleset, Mode the_mode, std::uint32_t mark)
        : rules(std::move(ruleset)), mode(the_mode), accept_mark(mark),
          hits(rules->rules().size()) {}

    std::shared_ptr<const Ruleset> rules;
    Mode mode;
    std::uint32_t accept_mark;  // this generation's packet mark
    // Decisions by each rule, in the order of rules->rules(). Counting changes no decision.
    mutable std::vector<std::atomic<std::uint64_t>> hits;

    void count(const Rule* rule) const {
        if (rule) hits[static_cast<std::size_t>(rule - rules->rules().data())]++;
    }
};

// Swapped whole: rules, mode and mark always belong together.
using ActiveRulesSlot = std::atomic<std::shared_ptr<const ActiveRules>>;

}  // namespace doorward
