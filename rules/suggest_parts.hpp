// SPDX-License-Identifier: GPL-2.0-or-later
// What one program was seen to do → what rules would say of it. Used by suggest only.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/flow.hpp"

namespace doorward {

constexpr std::size_t most_suggested_values = 256;  // of a condition; beyond, it is widened

struct SeenFlows {
    std::uint64_t flows = 0;
    std::int64_t since = 0, until = 0;  // seconds since the epoch

    void add(const SeenFlows& other);
};

// Of one protocol and port: the other ends by name, and by address those that had none.
struct SeenService {
    using Ends = std::map<std::string, SeenFlows>;
    Ends named, bare;
};
using SeenServices = std::map<std::pair<Protocol, std::uint16_t>, SeenService>;

// How the values of one condition are written, and whether that is more than was seen.
struct SuggestedValues {
    std::vector<std::string> texts;  // empty: any
    std::string widened;             // "40 names"; empty: as they were seen
    auto operator<=>(const SuggestedValues&) const = default;
};

// Flows that one rule can let pass.
struct SuggestedPart {
    std::set<std::string> users;
    std::set<Protocol> protocols;
    SuggestedValues ports, names, addresses;
    SeenFlows seen;
    std::size_t destinations = 0;
};

// Of one program, as one user, in one direction.
std::vector<SuggestedPart> suggested_parts(const std::string& user, const SeenServices& services);

// Makes one of those that differ only in users, protocols or ports, as long as that lets nothing more pass.
void merge_parts(std::vector<SuggestedPart>& parts);

}  // namespace doorward
