// SPDX-License-Identifier: GPL-2.0-or-later
// The system calls that the daemon makes once it is set up. Plain data.
#pragma once

#include <cstdint>
#include <span>

namespace doorward {

// A call may be bound to one value of one of its arguments, looked at through a mask.
struct CallRule {
    const char* name;
    int argument = -1;        // counted from 0; -1: whatever the arguments are
    std::uint64_t mask = 0;
    std::uint64_t value = 0;
};

// What is on neither list is refused with EPERM, and the refusal is told.
std::span<const CallRule> allowed_calls();

// What only an intruder would try ends the process.
std::span<const CallRule> deadly_calls();

}  // namespace doorward
