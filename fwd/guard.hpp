// SPDX-License-Identifier: GPL-2.0-or-later
// Everything a packet meets, put together in the one order that leaves no gap: hooks, queues, packet
// threads, table. Owns them all.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "fwd/active_rules.hpp"
#include "fwd/conntrack.hpp"
#include "fwd/flow_senders.hpp"
#include "fwd/handle.hpp"
#include "fwd/name_sources.hpp"
#include "fwd/names.hpp"
#include "fwd/nft_table.hpp"
#include "fwd/open_connections.hpp"
#include "fwd/packet_reader.hpp"
#include "fwd/pipeline.hpp"
#include "fwd/probes.hpp"

namespace doorward {

class Guard {
public:
    // Puts the hooks of the calling thread's network namespace in: what takes rights that begin() doesn't.
    static Result<std::unique_ptr<Guard>> attach(const Config& config);
    // Guards that namespace from the return of this call on. `sink` runs on the packet threads (Pipeline). To be
    // called once; after an error the guard can only be destroyed.
    Result<void> begin(const Config& config, std::shared_ptr<const Ruleset> rules,
                       std::shared_ptr<const NetworkState> network, Pipeline::Sink sink);
    ~Guard();  // stop(), unless abandoned

    // Puts other rules, another mode, or both in force. Flows decided before come back to the queue
    // with their next packet.
    Result<void> apply(std::shared_ptr<const Ruleset> rules, Mode mode);

    // What the kernel says of the network; null: not known. Where rules ask for it and it is other
    // than before, flows decided before come back to the queue.
    Result<void> set_network(std::shared_ptr<const NetworkState> network);

    // Puts the table back that another program has taken out or changed. What passed meanwhile nobody knows:
    // all flows come back to the queue.
    Result<void> restore_table();

    // Takes the table out (everything passes again) and ends the packet threads.
    Result<void> stop();
    // Ends without taking the table out: in enforce mode nothing undecided passes from then on.
    void abandon();

    // Readable when a packet thread has lost its queue; lost() then says why.
    int lost_fd() const { return lost_event_.get(); }
    std::optional<Error> lost() const;
    // CLOCK_MONOTONIC nanoseconds: since when all packet threads have gone round, which each does at least twice a
    // second. Stands still if any of them does.
    std::uint64_t heartbeat_ns() const;

    std::shared_ptr<const ActiveRules> active() const { return active_.load(); }
    const Probes& probes() const { return *probes_; }
    // As Probes::failures(), with those that the daemon met.
    std::array<std::uint64_t, DW_FAILURES> map_failures() const;
    Probes& probes() { return *probes_; }
    std::vector<MissingFeature> missing() const;  // what this kernel lacks, hooks and table together
    const Names& names() const { return *names_; }
    const NameSources& name_sources() const { return name_sources_; }
    // Reads resolv.conf and hosts again if they have changed: the network is then another. An error: what was believed before goes on.
    Result<void> refresh_names();
    const NftTable& table() const { return *table_; }
    std::uint16_t queues() const { return queues_; }
    QueueCounters queue_counters() const;  // of all
    const DecisionCounters& decisions() const { return pipeline_->counters(); }
    ParkedCounters parked() const { return pipeline_->parked(); }
    VerdictCounters verdicts() const { return verdicts_->counters(); }
    std::size_t parking_room() const { return parking_.packets; }
    ContentWorker& contents() { return *contents_; }
    std::uint64_t generation() const { return applied_; }  // counts from 1
    Result<std::vector<TrackedFlow>> tracked_flows() { return conntrack_->list(); }
    FlowSenders& flow_senders() { return *flow_senders_; }  // for the main thread
    const Marks& marks() const { return marks_; }

private:
    explicit Guard(const Config& config);

    Result<void> open_names(const Config& config);
    Result<void> open_verdicts(const Config& config);
    std::shared_ptr<const NetworkState> with_names() const;
    Result<void> update_network();
    Result<void> publish(std::shared_ptr<const Ruleset> rules, Mode mode,
                         std::shared_ptr<const NetworkState> network);
    Result<OpenConnections> accept_open();
    Result<void> close_gate(const Config& config, std::uint32_t mark, const OpenConnections& open);
    Result<void> next_generation();
    Result<void> open_queues(const Config& config);
    void start_threads();
    void lose(const Error& error);
    void end_threads();

    Marks marks_;
    std::uint64_t first_generation_;  // random: a mark can't be guessed from the outside
    std::uint64_t applied_ = 1;
    std::uint64_t swept_at_ = 1;      // generation at which old conntrack marks were last cleared
    std::shared_ptr<const NetworkState> network_;  // as the kernel says: without name servers
    ActiveRulesSlot active_;
    const ParkedPackets::Limits parking_;
    std::uint16_t queues_;
    const bool busy_wait_;  // packet threads may look for packets without sleeping
    bool measures_delay_ = false;  // RunDelay can be read
    std::unique_ptr<ContentWorker> contents_;
    std::optional<Probes> probes_;
    NameSources name_sources_;
    std::optional<Names> names_;
    std::optional<ProcessTable> processes_;
    std::optional<FlowSenders> flow_senders_;
    std::optional<Conntrack> conntrack_;
    std::optional<VerdictCache> verdicts_;
    std::optional<Grants> grants_;
    std::optional<Pipeline> pipeline_;
    Fd lost_event_;
    mutable std::mutex losing_;
    std::optional<Error> lost_;  // the first; written before lost_event_ is signalled
    std::vector<std::unique_ptr<PacketReader>> readers_;  // by queue, from the first
    bool serving_ = false;
    std::optional<NftTable> table_;
};

}  // namespace doorward
