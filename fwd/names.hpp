// SPDX-License-Identifier: GPL-2.0-or-later
// What the remote end of a flow is called: from the DNS answers that this namespace got, and from the
// hosts file.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string_view>

#include "fwd/dns_ring.hpp"
#include "fwd/host_names.hpp"
#include "fwd/lru.hpp"
#include "fwd/name_table.hpp"
#include "rules/dns_stream.hpp"
#include "rules/flow.hpp"

namespace doorward {

// The names of one flow, and what keeps them alive. Made anew for each; has room for all there are.
class FlowNames {
public:
    static constexpr std::size_t most = NameTable::names_each + HostNames::names_each;

    void clear() { count_ = 0; }
    void add(SharedName name);  // unless it is there, or there is no room
    std::span<const SharedName> all() const { return {kept_.data(), count_}; }
    std::span<const std::string_view> views() const { return {views_.data(), count_}; }
    // The newest; null if there is none.
    SharedName first() const { return count_ > 0 ? kept_[0] : nullptr; }

private:
    std::array<std::string_view, most> views_;
    std::array<SharedName, most> kept_;
    std::size_t count_ = 0;
};

// What came through the ring. Read by any thread.
struct NameCounters {
    std::atomic<std::uint64_t> packets = 0;     // taken from the ring
    std::atomic<std::uint64_t> malformed = 0;   // no DNS messages, or none that make sense
    std::atomic<std::uint64_t> cut = 0;         // longer than what is copied of a packet
    std::atomic<std::uint64_t> gaps = 0;        // TCP: a piece was missing, or a message too long
    std::atomic<std::uint64_t> connections = 0; // TCP: those that are followed now
    std::atomic<std::uint64_t> connections_evicted = 0;
    std::atomic<std::uint64_t> flows = 0;       // TCP: those whose names are kept
    std::atomic<std::uint64_t> flows_evicted = 0;
    std::atomic<std::uint64_t> stalled = 0;     // times that a record was not finished in time
};

class Names {
public:
    static constexpr std::size_t connections = 256;  // of DNS over TCP, followed at a time

    // Without a ring only the hosts file gives names.
    Names(std::optional<DnsRing> ring, NameTable::Limits limits);

    // One thread at a time, as look_up(). Takes in all messages that the kernel has seen before this call. Costs two
    // reads of memory when there is none.
    void take_in(std::uint64_t now_ns);
    // The names of an outbound flow's remote address; none for an inbound one.
    // `opens`: this packet opens a TCP connection. Later packets of it are asked about when rules
    // change; by then the names may have expired, and those that it was opened with count as well.
    void look_up(const Flow& flow, bool opens, std::uint64_t now_ns, FlowNames& names);

    // One record of the ring (dw_dns_packet). What take_in() does with each; for tests too.
    void take_record(std::span<const std::uint8_t> record, std::uint64_t now_ns);

    // Any thread.
    void set_hosts(std::shared_ptr<const HostNames> hosts) { hosts_ = std::move(hosts); }
    std::shared_ptr<const HostNames> hosts() const { return hosts_.load(); }
    const NameTableCounters& table_counters() const { return table_.counters(); }
    const NameCounters& counters() const { return counters_; }
    const NameTable::Limits& limits() const { return limits_; }

private:
    struct FlowKey {
        Address local, remote;
        std::uint16_t local_port, remote_port;

        bool operator==(const FlowKey&) const = default;
    };
    // Each direction from its SYN on; none once a piece of either is missing.
    struct Connection {
        std::optional<DnsStream> queries;
        std::optional<DnsStream> answers;
    };

    void keep_with_flow(const Flow& flow, bool opens, FlowNames& names);
    void take_segment(const DnsExchange& exchange, const Segment& segment, bool inbound,
                      std::uint64_t now_ns);
    void take_message(const DnsExchange& exchange, std::span<const std::uint8_t> bytes,
                      bool inbound, std::uint64_t now_ns);

    const NameTable::Limits limits_;
    std::optional<DnsRing> ring_;
    NameTable table_;
    Lru<FlowKey, Connection, HashBytes> connections_{connections};
    std::atomic<std::shared_ptr<const HostNames>> hosts_{std::make_shared<const HostNames>()};
    Lru<FlowKey, std::vector<SharedName>, HashBytes> flows_;  // TCP connections that had names
    NameCounters counters_;
};

}  // namespace doorward
