// SPDX-License-Identifier: GPL-2.0-or-later
// A packet on its way from the queue to its verdict, with what is known of it so far.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/wire.h"
#include "fwd/decided.hpp"
#include "fwd/name_table.hpp"

namespace doorward {

struct PendingPacket {
    std::uint16_t queue = 0;      // number of the one that it waits in
    std::uint32_t id = 0;         // there
    std::uint32_t mark = 0;       // the packet's, when it came
    std::uint32_t interface = 0;  // index of its way out, or in if it comes in; 0: not told
    Decided decided;              // attributed already; without a decision
    std::vector<SharedName> names;  // of the remote address, when it came; decided.flow has none
    Facts wanted;
    std::optional<dw_grant> grant;  // what an accepted sender is given
    std::uint64_t granted_as = 0; // the generation that it is given under; 0: it is not accepted
    bool opens = false;           // it opens a TCP connection
    bool passed = false;          // the kernel has its verdict: only the decision is outstanding
    bool concluded = false;       // its decision is made
    std::uint64_t until_ns = 0;   // CLOCK_MONOTONIC; set by the first park()
};

}  // namespace doorward
