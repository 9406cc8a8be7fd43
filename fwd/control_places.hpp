// SPDX-License-Identifier: GPL-2.0-or-later
// Who gives way when the places at the control socket are taken: nobody may keep others out who have as much
// right to one.
#pragma once

#include <optional>
#include <span>

#include "fwd/control_methods.hpp"

namespace doorward {

struct ControlPlace {
    std::uint32_t uid = 0;
    Access access = Access::none;
};

// The index in `taken` of the one that gives way to `newcomer`: who may do less than he, else the user with most
// places if that is more than the newcomer would have. Never root. Nothing: all have as much right to theirs.
std::optional<std::size_t> to_displace(std::span<const ControlPlace> taken, const ControlPlace& newcomer);

}  // namespace doorward
