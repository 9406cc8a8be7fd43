// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's clocks, in nanoseconds.
#pragma once

#include <cstdint>

#include <time.h>

namespace doorward {

// CLOCK_REALTIME counts from the epoch, CLOCK_MONOTONIC as bpf_ktime_get_ns() does.
inline std::uint64_t clock_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

}  // namespace doorward
