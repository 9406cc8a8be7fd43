// SPDX-License-Identifier: GPL-2.0-or-later
// Packets whose decision waits until something is found out. The kernel holds them; other packets
// are decided in the meantime.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "fwd/pending_packet.hpp"

namespace doorward {

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
    bool park(PendingPacket& packet, std::uint64_t now_ns);

    struct Taken {
        PendingPacket packet;
        bool overdue = false;  // nobody knows yet, and it waited as long as it may
    };
    // Takes out those that need wait no longer, in the order in which they were parked.
    std::vector<Taken> take(std::uint64_t now_ns,
                            const std::function<bool(const PendingPacket&)>& known);

    // Whether one of them has waited as long as it may.
    bool overdue(std::uint64_t now_ns) const { return !empty() && wait_ms(now_ns, 1) == 0; }

    // Milliseconds until the first is overdue; `most` if that is later, or if none is there.
    int wait_ms(std::uint64_t now_ns, int most) const;

    bool empty() const { return packets_.empty(); }
    ParkedCounters counters() const { return {now_, total_, overdue_, refused_}; }
    const Limits& limits() const { return limits_; }

private:
    const Limits limits_;
    std::vector<PendingPacket> packets_;
    std::atomic<std::uint64_t> now_ = 0;
    std::atomic<std::uint64_t> total_ = 0;
    std::atomic<std::uint64_t> overdue_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace doorward
