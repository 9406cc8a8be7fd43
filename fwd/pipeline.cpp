// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/pipeline.hpp"

#include <time.h>

#include "fwd/packet_flow.hpp"

namespace doorward {
namespace {

std::uint64_t clock_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
}

AttributionSource source_of(const dw_binding& binding, Direction direction) {
    if (binding.hook == DW_HOOK_SCAN) return AttributionSource::scan;
    if (direction == Direction::in) return AttributionSource::listener;
    switch (binding.hook) {
    case DW_HOOK_KPROBE: return AttributionSource::kprobe;
    case DW_HOOK_CGROUP: return AttributionSource::cgroup;
    case DW_HOOK_NETFILTER: return AttributionSource::netfilter;
    default: return AttributionSource::none;
    }
}

bool is_icmp(Protocol protocol) {
    return protocol == Protocol::icmp || protocol == Protocol::icmpv6;
}

// Why nobody is bound to this. The kernel itself answers to ICMP.
Unknown reason_without_binding(const Flow& flow) {
    if (flow.direction == Direction::out) return Unknown::no_binding;
    return is_icmp(flow.protocol) ? Unknown::kernel : Unknown::no_listener;
}

}  // namespace

Pipeline::Pipeline(Marks marks, const Bindings& bindings, ProcessTable& processes,
                   const ActiveRulesSlot& active, Sink sink)
    : marks_(marks), bindings_(bindings), processes_(processes), active_(active),
      sink_(std::move(sink)) {}

QueueVerdict Pipeline::judge(const QueuedPacket& queued) {
    const auto active = active_.load();
    const ParsedPacket parsed = parse_packet(queued.payload);
    const PacketContext context{.inbound = queued.inbound,
                                .reply = marks_.ours(queued.mark) == marks_.reply()};
    Decided decided;
    decided.time_us = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / 1000);
    decided.rules = active->rules;
    decided.flow = flow_of(parsed.packet, context, [this](const Flow& flow) {
        return bindings_.receiver(flow).has_value();
    });
    if (parsed.error != PacketError::none) {
        decided.flow.unknown = Unknown::bad_packet;
    } else {
        attribute(decided, queued.settled_ns, clock_ns(CLOCK_MONOTONIC));
    }
    const Decision decision = active->rules->decide(decided.flow, decided.time_us / 1'000'000);
    decided.decision = decision.action;
    decided.rule = decision.rule;
    active->count(decision.rule);
    decided.verdict = active->mode == Mode::observe ? Action::accept : decision.action;
    const QueueVerdict result = verdict(queued, decided, *active);
    counters_.by_verdict[static_cast<std::size_t>(decided.verdict)]++;
    counters_.by_unknown[static_cast<std::size_t>(decided.flow.unknown)]++;
    sink_(std::move(decided));
    return result;
}

void Pipeline::attribute(Decided& decided, std::uint64_t settled_ns, std::uint64_t now_ns) {
    Flow& flow = decided.flow;
    const auto binding = flow.direction == Direction::out ? bindings_.sender(flow)
                                                          : bindings_.receiver(flow);
    if (!binding) {
        flow.unknown = reason_without_binding(flow);
        return;
    }
    if (flow.direction == Direction::out) {
        if (handovers_.ambiguous(flow, *binding, settled_ns)) {
            flow.unknown = Unknown::ambiguous;
            return;
        }
        handovers_.named(flow, binding->who, now_ns);
    }
    NamedProcess named = processes_.name(*binding);
    flow.unknown = named.unknown;
    flow.process = named.process.get();
    decided.process = std::move(named.process);
    decided.source = source_of(*binding, flow.direction);
    const bool saw_send = flow.direction == Direction::out && binding->hook != DW_HOOK_SCAN;
    if (saw_send && now_ns >= binding->seen_ns) {
        decided.latency_ns = static_cast<std::int64_t>(now_ns - binding->seen_ns);
    }
}

QueueVerdict Pipeline::verdict(const QueuedPacket& queued, const Decided& decided,
                               const ActiveRules& active) const {
    switch (decided.verdict) {
    case Action::accept:
        return {true, marks_.merge(queued.mark, active.accept_mark)};
    case Action::reject:
        // Netfilter can't answer from a verdict: the packet goes on to the chain that does.
        return {true, marks_.merge(queued.mark, marks_.reject())};
    case Action::drop:
        break;
    }
    return {false, queued.mark};
}

}  // namespace doorward
