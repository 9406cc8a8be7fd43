// SPDX-License-Identifier: GPL-2.0-or-later
// What root may do, and giving most of it up. Capabilities belong to a thread: call this before there
// is a second one, and those that come later have no more.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "rules/result.hpp"

namespace doorward {

// A set of capabilities, one bit for each number in linux/capability.h.
using Capabilities = std::uint64_t;

constexpr Capabilities capabilities(std::initializer_list<int> numbers) {
    Capabilities set = 0;
    for (const int number : numbers) set |= Capabilities{1} << number;
    return set;
}

struct HeldCapabilities {
    Capabilities effective = 0;
    Capabilities permitted = 0;
    Capabilities inheritable = 0;
    Capabilities bounding = 0;  // what a program could be started with
};

Result<HeldCapabilities> held_capabilities();  // of the calling thread

// Gives up what is not in `wanted`, for good: also the way to it through another program, by
// no_new_privs. What is wanted and not held stays so. The bounding set shrinks only for who has
// CAP_SETPCAP; under no_new_privs, and without exec, it means little.
Result<void> keep_capabilities(Capabilities wanted);

// "cap_net_admin", …, by number.
std::vector<std::string> capability_names(Capabilities set);

}  // namespace doorward
