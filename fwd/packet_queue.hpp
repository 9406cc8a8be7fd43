// SPDX-License-Identifier: GPL-2.0-or-later
// The NFQUEUE reader: packets in, verdicts out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "fwd/busy_wait.hpp"
#include "rules/result.hpp"

namespace doorward {

struct QueuedPacket {
    std::uint16_t queue = 0;     // the number of the queue that it waits in
    std::uint32_t id = 0;        // there
    bool inbound = false;        // hook: LOCAL_IN
    bool forwarded = false;      // hook: FORWARD; neither: LOCAL_OUT
    std::uint32_t mark = 0;      // the packet's mark
    std::uint32_t interface = 0; // ifindex it goes out by or, inbound, came in by; 0: not told
    // CLOCK_MONOTONIC nanoseconds: what was queued there before then has been given to `decide`.
    std::uint64_t settled_ns = 0;
    std::span<const std::uint8_t> payload;  // from the IP header; valid during the call only
};

struct QueueVerdict {
    bool accept = false;         // false: dropped without an answer
    std::uint32_t mark = 0;      // the packet's mark from here on (all 32 bits)
};

struct QueueCounters {
    std::uint64_t received = 0;
    std::uint64_t verdicts = 0;
    std::uint64_t kernel_dropped = 0;  // queue full or socket buffer full: dropped by the kernel
    std::uint64_t malformed = 0;       // netlink messages that could not be read
};

// Owns the netlink socket bound to one queue. One thread reads; answer() and counters() may be called from any.
class PacketQueue {
public:
    // More would make the first of a batch wait; with fewer, the lock that a batch is judged under costs more.
    static constexpr std::size_t judged_at_once = 32;

    // Errors name the queue; EPERM on bind means that another process reads it already.
    static Result<PacketQueue> open(std::uint16_t queue, std::uint32_t max_packets);

    PacketQueue(PacketQueue&&) noexcept;
    PacketQueue& operator=(PacketQueue&&) noexcept;
    ~PacketQueue();

    // When serve() looks for packets without sleeping: never, unless this is called. In the serving thread.
    void set_busy_wait(BusyWait busy_wait);

    // Gives each packet its verdict, at the same place. Nothing: it stays with the kernel until answer() is called
    // for it. What is there before, and stays if an exception ends the call, is to drop it.
    using Decide = std::function<void(std::span<const QueuedPacket>, std::span<std::optional<QueueVerdict>>)>;

    // Waits up to `timeout_ms`, takes what has arrived, has `decide` judge it in order, so many packets at once
    // at most, and sends the verdicts in one write. Returns the number of packets; 0 on time-out, or if `also` (a
    // descriptor, or -1) became readable before. An error means that the queue is lost.
    Result<std::size_t> serve(int timeout_ms, const Decide& decide, int also = -1);

    // The verdict on a packet that `decide` left open; `mark` is the one that it came with.
    Result<void> answer(std::uint32_t id, std::uint32_t mark, const QueueVerdict& verdict) const;

    QueueCounters counters() const;

private:
    struct Impl;
    explicit PacketQueue(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
