// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/regexp_states.hpp"

#include <algorithm>

namespace doorward {

RegexpMachine::RegexpMachine(const Regexp& regexp) {
    std::uint32_t first = 0;
    for (const RegexpBranch& branch : regexp.branches) {
        branches_.push_back({&branch, first});
        first += static_cast<std::uint32_t>(branch.pieces.size()) + 1;
    }
}

// The place, and those that are reached from it without a character.
void RegexpMachine::enter(RegexpStates& states, const Branch& branch, std::size_t piece) const {
    const auto& pieces = branch.branch->pieces;
    for (;; ++piece) {
        states.push_back(branch.first + static_cast<std::uint32_t>(piece));
        if (piece == pieces.size() || !pieces[piece].star) return;
    }
}

namespace {

void sort_states(RegexpStates& states) {
    std::ranges::sort(states);
    const auto [first, last] = std::ranges::unique(states);
    states.erase(first, last);
}

}  // namespace

RegexpStates RegexpMachine::start() const {
    RegexpStates out;
    for (const Branch& branch : branches_) enter(out, branch, 0);
    sort_states(out);
    return out;
}

RegexpStates RegexpMachine::after(const RegexpStates& states, char c) const {
    RegexpStates out;
    auto state = states.begin();
    for (const Branch& branch : branches_) {
        const auto& pieces = branch.branch->pieces;
        if (branch.branch->open_start) enter(out, branch, 0);
        for (; state != states.end() && *state <= branch.first + pieces.size(); ++state) {
            const std::size_t at = *state - branch.first;
            if (at == pieces.size()) {
                if (branch.branch->open_end) out.push_back(*state);
            } else if (pieces[at].set.has(c)) {
                enter(out, branch, pieces[at].star ? at : at + 1);
            }
        }
    }
    sort_states(out);
    return out;
}

RegexpStates RegexpMachine::after(RegexpStates states, std::string_view text) const {
    for (const char c : text) states = after(states, c);
    return states;
}

bool RegexpMachine::accepts(const RegexpStates& states) const {
    return std::ranges::any_of(branches_, [&](const Branch& branch) {
        const auto last = branch.first + static_cast<std::uint32_t>(branch.branch->pieces.size());
        return std::ranges::binary_search(states, last);
    });
}

}  // namespace doorward
