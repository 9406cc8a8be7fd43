// SPDX-License-Identifier: GPL-2.0-or-later
// Packets whose decision waits until something is found out. The kernel holds them; other packets
// are decided in the meantime.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "bpf/wire.h"
#include "fwd/decided.hpp"
#include "fwd/name_table.hpp"

namespace doorward {

struct ParkedPacket {
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

struct ParkedCounters {
    std::uint64_t now = 0;
    std::uint64_t total = 0;
    std::uint64_t overdue = 0;  // taken because their time was over
    std::uint64_t refused = 0;  // for want of room
};

// Used by one thread at a time; counters() by any.
class ParkedPackets {
public:
    struct Limits {
        std::size_t packets = 256;
        std::size_t of_one_file = 32;  // so that one program can't take all the room
        std::uint64_t wait_ns = 5'000'000'000;
    };

    explicit ParkedPackets(Limits limits) : limits_(limits) {}

    // Keeps the packet, or leaves it as it is and returns false if there is no room. One that was
    // parked before keeps its time and counts once.
    bool park(ParkedPacket& packet, std::uint64_t now_ns);

    struct Taken {
        ParkedPacket packet;
        bool overdue = false;  // nobody knows yet, and it waited as long as it may
    };
    // Takes out those that need wait no longer, in the order in which they were parked.
    std::vector<Taken> take(std::uint64_t now_ns,
                            const std::function<bool(const ParkedPacket&)>& known);

    // Whether one of them has waited as long as it may.
    bool overdue(std::uint64_t now_ns) const { return !empty() && wait_ms(now_ns, 1) == 0; }

    // Milliseconds until the first is overdue; `most` if that is later, or if none is there.
    int wait_ms(std::uint64_t now_ns, int most) const;

    bool empty() const { return packets_.empty(); }
    ParkedCounters counters() const { return {now_, total_, overdue_, refused_}; }
    const Limits& limits() const { return limits_; }

private:
    const Limits limits_;
    std::vector<ParkedPacket> packets_;
    std::atomic<std::uint64_t> now_ = 0;
    std::atomic<std::uint64_t> total_ = 0;
    std::atomic<std::uint64_t> overdue_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace doorward
