// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/names.hpp"

#include <algorithm>
#include <cstring>

#include "bpf/wire.h"

namespace doorward {
namespace {

void count(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

// The resolver's end is the remote one, whichever way the packet goes.
DnsExchange exchange_of(const Packet& packet, bool inbound) {
    return {.local = inbound ? packet.destination : packet.source,
            .server = inbound ? packet.source : packet.destination,
            .local_port = inbound ? packet.destination_port : packet.source_port,
            .server_port = inbound ? packet.source_port : packet.destination_port,
            .protocol = packet.protocol};
}

}  // namespace

void FlowNames::add(SharedName name) {
    if (count_ == most || std::ranges::find(views(), *name) != views().end()) return;
    views_[count_] = *name;
    kept_[count_++] = std::move(name);
}

Names::Names(std::optional<DnsRing> ring, NameTable::Limits limits)
    : limits_(limits), ring_(std::move(ring)), table_(limits), flows_(limits.addresses) {}

void Names::take_in(std::uint64_t now_ns) {
    if (!ring_) return;
    ring_->drain([&](std::span<const std::uint8_t> record) { take_record(record, now_ns); });
    counters_.stalled.store(ring_->stalled(), std::memory_order_relaxed);
}

void Names::look_up(const Flow& flow, bool opens, std::uint64_t now_ns, FlowNames& names) {
    names.clear();
    if (flow.direction != Direction::out) return;
    table_.each_name(flow.remote, now_ns, [&](const SharedName& name) { names.add(name); });
    for (const SharedName& name : hosts_.load()->of(flow.remote)) names.add(name);
    if (flow.protocol == Protocol::tcp) keep_with_flow(flow, opens, names);
}

void Names::keep_with_flow(const Flow& flow, bool opens, FlowNames& names) {
    const FlowKey key{flow.local, flow.remote, flow.local_port, flow.remote_port};
    auto* const known = flows_.find(key);
    if (!opens) {
        if (known)
            for (const SharedName& name : *known) names.add(name);
        return;
    }
    // A connection may have the ports of one before, but never its names.
    const auto all = names.all();
    if (known) known->assign(all.begin(), all.end());
    else if (!all.empty()) flows_.put(key, {all.begin(), all.end()});
    counters_.flows.store(flows_.size(), std::memory_order_relaxed);
    counters_.flows_evicted.store(flows_.evicted(), std::memory_order_relaxed);
}

void Names::take_record(std::span<const std::uint8_t> record, std::uint64_t now_ns) {
    dw_dns_packet head;
    count(counters_.packets);
    if (record.size() < sizeof(head)) return count(counters_.malformed);
    std::memcpy(&head, record.data(), sizeof(head));
    const auto bytes = record.subspan(sizeof(head));
    if (head.captured < head.length) return count(counters_.cut);
    if (head.length > bytes.size()) return count(counters_.malformed);
    const auto segment = parse_segment(bytes.first(head.length));
    if (!segment) return count(counters_.malformed);
    const bool inbound = head.inbound != 0;
    const DnsExchange exchange = exchange_of(segment->packet, inbound);
    if (exchange.protocol == Protocol::tcp) take_segment(exchange, *segment, inbound, now_ns);
    else take_message(exchange, segment->payload, inbound, now_ns);
}

// A connection is followed from its SYN on. Once a piece is missing it is lost for good: whoever could choose where
// to go on, in the middle of a record of a zone of its own, could have another answer read there.
void Names::take_segment(const DnsExchange& exchange, const Segment& segment, bool inbound,
                         std::uint64_t now_ns) {
    const FlowKey key{exchange.local, exchange.server, exchange.local_port, exchange.server_port};
    if (segment.begins && !inbound) {
        connections_.put(key, Connection{DnsStream(segment.sequence), std::nullopt});
        counters_.connections.store(connections_.size(), std::memory_order_relaxed);
        counters_.connections_evicted.store(connections_.evicted(), std::memory_order_relaxed);
    }
    Connection* const known = connections_.find(key);
    if (!known) return;
    if (segment.begins && inbound && known->queries && !known->answers) known->answers.emplace(segment.sequence);
    std::optional<DnsStream>& stream = inbound ? known->answers : known->queries;
    if (!stream || segment.payload.empty()) return;
    const bool whole = stream->take(segment.sequence, segment.payload,
                                    [&](std::span<const std::uint8_t> message) {
                                        take_message(exchange, message, inbound, now_ns);
                                    });
    if (whole) return;
    count(counters_.gaps);
    *known = {};
}

void Names::take_message(const DnsExchange& exchange, std::span<const std::uint8_t> bytes,
                         bool inbound, std::uint64_t now_ns) {
    const auto message = parse_dns(bytes);
    if (!message || message->response != inbound) return count(counters_.malformed);
    if (inbound) table_.answer(exchange, *message, now_ns);
    else table_.query(exchange, *message, now_ns);
}

}  // namespace doorward
