// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/names.hpp"

#include <algorithm>
#include <cstring>

#include "bpf/wire.h"

namespace doorward {
namespace {

void count(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

// The resolver's end is the remote one, whichever way the packet goes.
DnsExchange exchange_of(std::uint64_t socket, const Packet& packet, bool inbound) {
    return {.socket = socket,
            .server = inbound ? packet.source : packet.destination,
            .server_port = inbound ? packet.source_port : packet.destination_port,
            .local_port = inbound ? packet.destination_port : packet.source_port,
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
    const DnsExchange exchange = exchange_of(head.socket, segment->packet, inbound);
    if (exchange.protocol == Protocol::tcp) take_segment(exchange, *segment, inbound, now_ns);
    else take_message(exchange, segment->payload, inbound, now_ns);
}

// A connection is followed from its first query on, which also tells where the answers begin.
void Names::take_segment(const DnsExchange& exchange, const Segment& segment, bool inbound,
                         std::uint64_t now_ns) {
    auto* known = connections_.find(exchange.socket);
    if (!known || !*known) {
        if (inbound) return;
        known = &connections_.put(exchange.socket, Connection{DnsStream(segment.sequence),
                                                              DnsStream(segment.acknowledged)});
        counters_.connections.store(connections_.size(), std::memory_order_relaxed);
        counters_.connections_evicted.store(connections_.evicted(), std::memory_order_relaxed);
    }
    DnsStream& stream = inbound ? (*known)->answers : (*known)->queries;
    const bool whole = stream.take(segment.sequence, segment.payload,
                                   [&](std::span<const std::uint8_t> message) {
                                       take_message(exchange, message, inbound, now_ns);
                                   });
    if (whole) return;
    count(counters_.gaps);
    known->reset();
}

void Names::take_message(const DnsExchange& exchange, std::span<const std::uint8_t> bytes,
                         bool inbound, std::uint64_t now_ns) {
    const auto message = parse_dns(bytes);
    if (!message || message->response != inbound) return count(counters_.malformed);
    if (inbound) table_.answer(exchange, *message, now_ns);
    else table_.query(exchange, *message, now_ns);
}

}  // namespace doorward
