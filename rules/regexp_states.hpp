// SPDX-License-Identifier: GPL-2.0-or-later
// A regular expression at work: the set of places in it that a text has led to. ASCII texts only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/regexp.hpp"

namespace doorward {

// Numbers of places, in order. Two texts that lead to the same ones have the same continuations.
using RegexpStates = std::vector<std::uint32_t>;

class RegexpMachine {
public:
    explicit RegexpMachine(const Regexp& regexp);

    RegexpStates start() const;
    RegexpStates after(const RegexpStates& states, char c) const;
    RegexpStates after(RegexpStates states, std::string_view text) const;
    bool accepts(const RegexpStates& states) const;  // if the text ends here

private:
    struct Branch {
        const RegexpBranch* branch;
        std::uint32_t first;  // place before its first piece; one more place than pieces
    };
    void enter(RegexpStates& states, const Branch& branch, std::size_t piece) const;

    std::vector<Branch> branches_;
};

}  // namespace doorward
