// SPDX-License-Identifier: GPL-2.0-or-later
// The ruleset in force. The main thread publishes, the packet threads read, none waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "fwd/config.hpp"
#include "fwd/network_state.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

// Decisions by each rule, in the order of the rules. Counting changes no decision.
using RuleHits = std::vector<std::atomic<std::uint64_t>>;

struct ActiveRules {
    // `before`: what was in force, if anything was. The same rules go on counting.
    ActiveRules(std::shared_ptr<const Ruleset> ruleset, Mode the_mode, std::uint32_t mark,
                std::shared_ptr<const NetworkState> the_network, const ActiveRules* before)
        : rules(std::move(ruleset)), mode(the_mode), accept_mark(mark),
          generation(before ? before->generation + 1 : 1),
          granted_as(before && before->accept_mark == mark ? before->granted_as : generation),
          network(std::move(the_network)),
          hits(before && before->rules == rules ? before->hits
                                                : std::make_shared<RuleHits>(rules->size())) {}

    std::shared_ptr<const Ruleset> rules;
    Mode mode;
    std::uint32_t accept_mark;  // this generation's packet mark
    std::uint64_t generation;   // never comes again, unlike marks
    std::uint64_t granted_as;   // the generation that the mark came with
    std::shared_ptr<const NetworkState> network;  // null: not known
    std::shared_ptr<RuleHits> hits;

    const Network* facts() const { return network ? &network->network : nullptr; }
    // Empty: not known. Lives as long as this.
    std::string_view interface_name(std::uint32_t index) const {
        return network ? network->interface_name(index) : std::string_view();
    }

    void count(std::uint32_t rule, std::uint64_t times = 1) const {
        if (rule != Decision::no_rule) (*hits)[rule] += times;
    }
};

// Swapped whole: rules, mode, mark and network always belong together.
using ActiveRulesSlot = std::atomic<std::shared_ptr<const ActiveRules>>;

}  // namespace doorward
