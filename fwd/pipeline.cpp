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

}  // namespace

Pipeline::Pipeline(Marks marks, Attribution& attribution, Names& names,
                   const ActiveRulesSlot& active, Sink sink)
    : marks_(marks), attribution_(attribution), names_(names), active_(active),
      sink_(std::move(sink)) {}

QueueVerdict Pipeline::judge(const QueuedPacket& queued) {
    const auto active = active_.load();
    const ParsedPacket parsed = parse_packet(queued.payload);
    const PacketContext context{.inbound = queued.inbound,
                                .forwarded = queued.forwarded,
                                .reply = marks_.ours(queued.mark) == marks_.reply()};
    Decided decided;
    decided.time_us = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / 1000);
    decided.rules = active->rules;
    decided.flow = flow_of(parsed.packet, context, [&](const Flow& flow) {
        return attribution_.listens(flow, queued.inbound ? queued.interface : 0);
    });
    if (parsed.error != PacketError::none) {
        decided.flow.unknown = Unknown::bad_packet;
    } else {
        attribute(decided, queued);
        const std::uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        names_.take_in(now_ns);
        names_.look_up(decided.flow, parsed.packet.tcp_syn, now_ns, flow_names_);
        decided.flow.names = flow_names_.views();
        decided.host = flow_names_.first();
    }
    const Decision decision = active->rules->decide(decided.flow, decided.time_us / 1'000'000);
    decided.flow.names = {};  // they are this packet's only
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

void Pipeline::attribute(Decided& decided, const QueuedPacket& queued) {
    const std::uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    const std::uint32_t slot =
        queued.inbound || queued.forwarded ? 0 : marks_.slot(queued.mark);
    Attributed found = attribution_.of(decided.flow, queued, slot, now_ns);
    decided.flow.unknown = found.unknown;
    decided.flow.process = found.process.get();
    decided.process = std::move(found.process);
    decided.source = found.source;
    if (found.seen_ns != 0 && now_ns >= found.seen_ns)
        decided.latency_ns = static_cast<std::int64_t>(now_ns - found.seen_ns);
}

QueueVerdict Pipeline::verdict(const QueuedPacket& queued, const Decided& decided,
                               const ActiveRules& active) const {
    switch (decided.verdict) {
    case Action::accept:
        return {true, marks_.accept(queued.mark, active.accept_mark)};
    case Action::reject:
        // Netfilter can't answer from a verdict: the packet goes on to the chain that does.
        return {true, marks_.merge(queued.mark, marks_.reject())};
    case Action::drop:
        break;
    }
    return {false, queued.mark};
}

}  // namespace doorward
