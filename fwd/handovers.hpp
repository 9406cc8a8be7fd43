// SPDX-License-Identifier: GPL-2.0-or-later
// A port can go to another program while a packet of the former owner still waits for its verdict.
// Both have the same tuple, so the packet may be either's: this decides whether that can be so.
#pragma once

#include <cstdint>

#include "bpf/wire.h"
#include "fwd/lru.hpp"
#include "rules/flow.hpp"

namespace doorward {

// Used by one thread. All times are CLOCK_MONOTONIC nanoseconds.
class Handovers {
public:
    explicit Handovers(std::size_t capacity) : named_(capacity) {}

    // True if a packet of `binding.before` may still have been waiting. Everything that was queued
    // before `settled_ns` has been answered.
    bool ambiguous(const Flow& flow, const dw_binding& binding, std::uint64_t settled_ns);

    // A packet of the flow was given to this process. The queue keeps the order of sending.
    void named(const Flow& flow, const dw_process_key& who, std::uint64_t now_ns);

private:
    struct Named {
        dw_process_key who;
        std::uint64_t at_ns;
    };

    Lru<dw_flow_key, Named, HashBytes> named_;
};

}  // namespace doorward
