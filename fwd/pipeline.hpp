// SPDX-License-Identifier: GPL-2.0-or-later
// The one way: queued packet → flow → process → decision → verdict → those who keep it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "fwd/active_rules.hpp"
#include "fwd/attribution.hpp"
#include "fwd/conntrack.hpp"
#include "fwd/content_worker.hpp"
#include "fwd/decided.hpp"
#include "fwd/grants.hpp"
#include "fwd/local_time.hpp"
#include "fwd/marks.hpp"
#include "fwd/names.hpp"
#include "fwd/packet_queue.hpp"
#include "fwd/parked_packets.hpp"
#include "fwd/pending_packet.hpp"
#include "fwd/verdict_cache.hpp"

namespace doorward {

// Decisions since start. Read by any thread.
struct DecisionCounters {
    std::array<std::atomic<std::uint64_t>, 3> by_verdict{};  // indexed by Action
    std::array<std::atomic<std::uint64_t>, unknown_reasons> by_unknown{};  // indexed by Unknown
};

// What each packet thread has of its own.
struct Lane {
    Attribution attribution;
    std::vector<PendingPacket> packets;  // those in hand
};

// For several packet threads, one for each queue. Whose a packet is each finds out by itself; what is decided on it
// depends on what all have seen (names, verdicts of its kind, packets that wait), which a lock guards: once for all
// packets that a thread has in hand.
class Pipeline {
public:
    using Sink = std::function<void(Decided&&)>;
    using Answer = std::function<void(std::uint16_t queue, std::uint32_t id, std::uint32_t mark, const QueueVerdict&)>;

    // All references must outlive the pipeline. `sink` is called once per packet, after the verdict is known, and for
    // verdicts that the kernel gave again; from any of the threads, at the same time too; it must not block.
    Pipeline(Marks marks, Names& names, const ActiveRulesSlot& active, ContentWorker& contents,
             ParkedPackets::Limits parking, VerdictCache& verdicts, Grants& grants, Sink sink);

    // Decides a connection that is open already as if it spoke now, before any packet does: true if it may
    // go on, and that is recorded then. What can't be said so, or may not, its next packet is to decide.
    // Only before there is a packet thread.
    bool accept_open(const TrackedFlow& connection, Lane& lane);

    // The verdicts on packets, at the same places; nothing on one that is parked until something is found out about
    // its executable's file. A lane is one thread's.
    void judge(std::span<const QueuedPacket> packets, std::span<std::optional<QueueVerdict>> verdicts, Lane& lane);

    // Judges parked packets that need wait no longer, of all queues, under the rules that are in force now.
    // `found_out`: the content worker has something new.
    void resume(bool found_out, const Answer& answer);
    // How long to wait at most before the next resume().
    int wait_ms(int most);

    // To be called all the time, by one thread: takes in names, and passes on what the kernel has decided since, once
    // a second at most unless it is the `last` time.
    void tend(bool last);

    const DecisionCounters& counters() const { return counters_; }
    ParkedCounters parked() const { return parked_.counters(); }

private:
    struct Answered {
        PendingPacket packet;
        QueueVerdict verdict;
        bool told;  // the kernel has a verdict already
    };

    // Without the lock:
    void take(const QueuedPacket& queued, Attribution& attribution, PendingPacket& packet) const;
    void attribute(PendingPacket& packet, const QueuedPacket& queued, Attribution& attribution) const;
    bool attribute_open(PendingPacket& packet, const TrackedFlow& connection, const Network* network,
                        Attribution& attribution) const;
    void settle(PendingPacket& packet);
    // With it:
    std::vector<Answered> resume_known(bool found_out);
    void name(PendingPacket& packet);
    Surroundings begin(Decided& decided, const ActiveRules& active);
    std::optional<QueueVerdict> decide(PendingPacket& packet, const ActiveRules& active, NoContent failure);
    void keep_names(PendingPacket& packet) const;
    bool fill_content(Decided& decided, Facts wanted, NoContent& failure);
    QueueVerdict conclude(PendingPacket& packet, const ActiveRules& active, const Decision& decision);
    void count(const Decided& decided);
    void keep_repeats(Decided&& repeats);
    QueueVerdict accept(PendingPacket& packet, const ActiveRules& active) const;
    QueueVerdict verdict(PendingPacket& packet, const ActiveRules& active) const;

    Marks marks_;
    std::mutex mutex_;
    Names& names_;
    const ActiveRulesSlot& active_;
    ContentWorker& contents_;
    VerdictCache& verdicts_;
    Grants& grants_;
    ParkedPackets parked_;
    std::shared_ptr<const Ruleset> resumed_under_;
    Sink sink_;
    FlowNames flow_names_;  // of the packet in hand
    FlowNames repeat_names_;
    LocalMinute local_minute_;
    DecisionCounters counters_;
};

}  // namespace doorward
