// SPDX-License-Identifier: GPL-2.0-or-later
// The one way: queued packet → flow → process → decision → verdict → those who keep it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

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
#include "fwd/verdict_cache.hpp"

namespace doorward {

// Decisions since start. Written by the packet thread, read by any.
struct DecisionCounters {
    std::array<std::atomic<std::uint64_t>, 3> by_verdict{};  // indexed by Action
    std::array<std::atomic<std::uint64_t>, unknown_reasons> by_unknown{};  // indexed by Unknown
};

class Pipeline {
public:
    using Sink = std::function<void(Decided&&)>;
    using Answer = std::function<void(std::uint32_t id, std::uint32_t mark, const QueueVerdict&)>;

    // All references must outlive the pipeline. `sink` is called once per packet, after the verdict
    // is known, and for verdicts that the kernel gave again; it must not block.
    Pipeline(Marks marks, Attribution& attribution, Names& names, const ActiveRulesSlot& active,
             ContentWorker& contents, ParkedPackets::Limits parking, VerdictCache& verdicts,
             Grants& grants, Sink sink);

    // Decides a connection that is open already as if it spoke now, before any packet does: true if it may
    // go on, and that is recorded then. What can't be said so, or may not, its next packet is to decide.
    // Only before there is a packet thread.
    bool accept_open(const TrackedFlow& connection);

    // The verdict on one packet; nothing if it is parked until something is found out about its
    // executable's file. Called on the packet thread only, as are the next two.
    std::optional<QueueVerdict> judge(const QueuedPacket& packet);

    // Judges parked packets that need wait no longer, under the rules that are in force now.
    // `found_out`: the content worker has something new.
    void resume(bool found_out, const Answer& answer);
    // How long to wait at most before the next resume().
    int wait_ms(int most) const;

    // Passes on what the kernel has decided since, once a second at most unless it is the `last` time.
    void collect(bool last);

    const DecisionCounters& counters() const { return counters_; }
    ParkedCounters parked() const { return parked_.counters(); }

private:
    void attribute(ParkedPacket& packet, const QueuedPacket& queued);
    bool attribute_open(ParkedPacket& packet, const TrackedFlow& connection, const Network* network);
    void name(Decided& decided, bool opening);
    Surroundings begin(Decided& decided, const ActiveRules& active);
    std::optional<QueueVerdict> decide(ParkedPacket& packet, NoContent failure);
    void keep_names(ParkedPacket& packet) const;
    bool fill_content(Decided& decided, Facts wanted, NoContent& failure);
    QueueVerdict conclude(ParkedPacket& packet, const ActiveRules& active, const Decision& decision);
    void count(const Decided& decided);
    void keep_repeats(Decided&& repeats);
    QueueVerdict accept(const ParkedPacket& packet, const ActiveRules& active);
    QueueVerdict verdict(const ParkedPacket& packet, const ActiveRules& active);

    Marks marks_;
    Attribution& attribution_;
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
