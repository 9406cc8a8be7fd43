// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_places.hpp"

#include <algorithm>

namespace doorward {

std::optional<std::size_t> to_displace(std::span<const ControlPlace> taken, const ControlPlace& newcomer) {
    const auto count_of = [&](std::uint32_t uid) {
        return std::ranges::count(taken, uid, &ControlPlace::uid);
    };
    const auto gives_way_before = [&](const ControlPlace& one, const ControlPlace& other) {
        if (one.access != other.access) return one.access < other.access;
        return count_of(one.uid) > count_of(other.uid);
    };
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < taken.size(); ++i) {
        if (taken[i].uid == 0) continue;
        if (!first || gives_way_before(taken[i], taken[*first])) first = i;
    }
    if (!first) return std::nullopt;
    const ControlPlace& one = taken[*first];
    if (one.access < newcomer.access) return first;
    if (one.access == newcomer.access && count_of(one.uid) > count_of(newcomer.uid) + 1) return first;
    return std::nullopt;
}

}  // namespace doorward
