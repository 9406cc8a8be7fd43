// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of this host's network at a time. Immutable where it is shared between threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/surroundings.hpp"

namespace doorward {

struct NetworkState {
    Network network;
    // By index, ascending: every interface there is, whether up or not.
    std::vector<std::pair<std::uint32_t, std::string>> names;
    std::uint64_t left_out = 0;  // links, addresses and gateways for which there was no room

    // Empty: not known. Lives as long as the state.
    std::string_view interface_name(std::uint32_t index) const {
        const auto at = std::ranges::lower_bound(names, index, {}, [](const auto& e) { return e.first; });
        return at != names.end() && at->first == index ? std::string_view(at->second) : std::string_view();
    }

    std::uint32_t index_of(std::string_view name) const {  // 0: there is none
        const auto at = std::ranges::find(names, name, [](const auto& e) { return std::string_view(e.second); });
        return at == names.end() ? 0 : at->first;
    }

    bool operator==(const NetworkState&) const = default;
};

}  // namespace doorward
