// SPDX-License-Identifier: GPL-2.0-or-later
// One packet queue and the thread that reads it, with what finds out whose its packets are.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "fwd/packet_queue.hpp"
#include "fwd/pipeline.hpp"
#include "fwd/probes.hpp"

namespace doorward {

// How many queues to have from the number `first` on, a power of two: one for each four processors, for a packet's
// verdict takes its reader but a part of what sending it takes its sender.
std::uint16_t queues_for(int processors, std::uint16_t first);

// All packets of a flow, in both directions, wait in the same queue: so what has been waiting before a packet is
// known, and so is the order in which the flow's packets were sent.
class PacketReader {
public:
    // Takes the queue: from here on packets wait in it. Errors as PacketQueue::open() has them.
    static Result<std::unique_ptr<PacketReader>> open(std::uint16_t queue, std::uint32_t max_packets);
    ~PacketReader();

    // What follows needs this first. Both must outlive the reader. From a thread of the network namespace.
    Result<void> know_senders(Probes& probes, ProcessTable& processes);
    // For the caller alone before start(), for the thread from then on.
    Lane& lane() { return *lane_; }

    // What the readers of all queues share; must outlive their threads.
    struct Shared {
        Pipeline& pipeline;
        ContentWorker& contents;
        Pipeline::Answer answer;                 // to a packet of any of the queues
        std::function<void(const Error&)> lost;  // called on the thread, which ends then: its queue is lost
        bool busy_wait;                          // threads may look for packets without sleeping
    };
    // `tends`: this is the one that calls Pipeline::tend().
    void start(const Shared& shared, bool tends);
    // The thread ends within a quarter of a second; join() waits for it. Any number of times.
    void end() { ending_ = true; }
    void join();

    // The rest from any thread.
    std::uint16_t number() const { return number_; }
    Result<void> answer(std::uint32_t id, std::uint32_t mark, const QueueVerdict& verdict) const {
        return queue_.answer(id, mark, verdict);
    }
    QueueCounters counters() const { return queue_.counters(); }
    // CLOCK_MONOTONIC nanoseconds: when the thread last went round, which it does at least twice a second.
    std::uint64_t heartbeat_ns() const { return heartbeat_ns_; }

private:
    PacketReader(std::uint16_t number, PacketQueue queue) : number_(number), queue_(std::move(queue)) {}
    void serve(const Shared& shared, bool tends);
    Result<void> serve_once(const Shared& shared);

    const std::uint16_t number_;
    PacketQueue queue_;
    std::optional<SockDiag> sockets_;
    std::optional<Lane> lane_;
    std::atomic<std::uint64_t> heartbeat_ns_ = 0;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace doorward
