// SPDX-License-Identifier: GPL-2.0-or-later
// The one way: queued packet → flow → process → decision → verdict → those who keep it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "fwd/active_rules.hpp"
#include "fwd/attribution.hpp"
#include "fwd/decided.hpp"
#include "fwd/marks.hpp"
#include "fwd/names.hpp"
#include "fwd/packet_queue.hpp"

namespace doorward {

// Decisions since start. Written by the packet thread, read by any.
struct DecisionCounters {
    std::array<std::atomic<std::uint64_t>, 3> by_verdict{};  // indexed by Action
    std::array<std::atomic<std::uint64_t>, unknown_reasons> by_unknown{};  // indexed by Unknown
};

class Pipeline {
public:
    using Sink = std::function<void(Decided&&)>;

    // All references must outlive the pipeline. `sink` is called once per packet, after the verdict
    // is known; it must not block.
    Pipeline(Marks marks, Attribution& attribution, Names& names, const ActiveRulesSlot& active,
             Sink sink);

    // The verdict on one packet. Called on the packet thread only.
    QueueVerdict judge(const QueuedPacket& packet);

    const DecisionCounters& counters() const { return counters_; }

private:
    void attribute(Decided& decided, const QueuedPacket& queued);
    QueueVerdict verdict(const QueuedPacket& packet, const Decided& decided,
                         const ActiveRules& active) const;

    Marks marks_;
    Attribution& attribution_;
    Names& names_;
    const ActiveRulesSlot& active_;
    Sink sink_;
    FlowNames flow_names_;  // of the packet in hand
    DecisionCounters counters_;
};

}  // namespace doorward
