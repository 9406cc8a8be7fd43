// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/pipeline.hpp"

#include <tuple>

#include "fwd/clock.hpp"
#include "fwd/packet_flow.hpp"

namespace doorward {
namespace {

// Whether each flow is to have a row of its own: then the kernel gives no verdict on the next one.
bool wants_each(const ActiveRules& active, const Decision& decision) {
    return decision.rule != Decision::no_rule && active.rules->log(decision.rule) == LogLevel::each;
}

}  // namespace

Pipeline::Pipeline(Marks marks, Names& names, const ActiveRulesSlot& active, ContentWorker& contents,
                   ParkedPackets::Limits parking, VerdictCache& verdicts, Grants& grants, Sink sink)
    : marks_(marks), names_(names), active_(active), contents_(contents), verdicts_(verdicts), grants_(grants),
      parked_(parking), sink_(std::move(sink)) {}

void Pipeline::judge(std::span<const QueuedPacket> queued, std::span<std::optional<QueueVerdict>> verdicts,
                     Lane& lane) {
    std::vector<PendingPacket>& packets = lane.packets;
    packets.clear();
    packets.resize(queued.size());
    for (std::size_t i = 0; i < queued.size(); ++i) take(queued[i], lane.attribution, packets[i]);
    {
        const std::lock_guard lock(mutex_);
        const auto active = active_.load();
        for (std::size_t i = 0; i < queued.size(); ++i) {
            flow_names_.clear();
            if (packets[i].decided.flow.unknown != Unknown::bad_packet) name(packets[i]);
            verdicts[i] = decide(packets[i], *active, NoContent::none);
        }
    }
    // One that was parked has been moved from, but for what settle() looks at.
    for (PendingPacket& packet : packets) settle(packet);
    packets.clear();
}

void Pipeline::take(const QueuedPacket& queued, Attribution& attribution, PendingPacket& packet) const {
    const ParsedPacket parsed = parse_packet(queued.payload);
    const PacketContext context{.inbound = queued.inbound,
                                .forwarded = queued.forwarded,
                                .reply = marks_.is_reply(queued.mark)};
    packet.queue = queued.queue;
    packet.id = queued.id;
    packet.mark = queued.mark;
    packet.interface = queued.interface;
    packet.opens = parsed.packet.tcp_syn;
    packet.decided.flow = flow_of(parsed.packet, context, [&](const Flow& flow) {
        return attribution.listens(flow, queued.inbound ? queued.interface : 0);
    });
    if (parsed.error != PacketError::none) {
        packet.decided.flow.unknown = Unknown::bad_packet;
    } else {
        attribute(packet, queued, attribution);
    }
}

void Pipeline::name(PendingPacket& packet) {
    const std::uint64_t now_ns = monotonic_ns();
    names_.take_in(now_ns);
    names_.look_up(packet.decided.flow, packet.opens, now_ns, flow_names_);
    packet.decided.host = flow_names_.first();
}

// What a decision leads to besides the verdict, and before it: the sender's next datagram may follow at once.
void Pipeline::settle(PendingPacket& packet) {
    if (packet.grant && packet.granted_as != 0) grants_.give(*packet.grant, packet.granted_as);
    packet.granted_as = 0;
    if (packet.concluded) sink_(std::move(packet.decided));
}

void Pipeline::resume(bool found_out, const Answer& answer) {
    // What was found out counts in any case: another thread may be about to park the packet that asked for it.
    if (!found_out && parked_.counters().now == 0) return;
    for (auto& [packet, verdict, told] : resume_known(found_out)) {
        const auto [queue, id, mark] = std::tuple(packet.queue, packet.id, packet.mark);
        settle(packet);
        if (!told) answer(queue, id, mark, verdict);
    }
}

std::vector<Pipeline::Answered> Pipeline::resume_known(bool found_out) {
    const std::lock_guard lock(mutex_);
    std::vector<Answered> answered;
    // Other rules may have another question, or none.
    const auto active = active_.load();
    const std::uint64_t now_ns = monotonic_ns();
    if (!found_out && active->rules == resumed_under_ && !parked_.overdue(now_ns)) return answered;
    resumed_under_ = active->rules;
    const auto known = [&](const PendingPacket& packet) {
        return packet.decided.rules != active->rules ||
               contents_.known(*packet.decided.process, packet.wanted);
    };
    for (auto& [packet, overdue] : parked_.take(now_ns, known)) {
        const bool told = packet.passed;
        flow_names_.clear();
        for (SharedName& name : packet.names) flow_names_.add(std::move(name));
        const auto verdict = decide(packet, *active, overdue ? NoContent::timed_out : NoContent::none);
        if (verdict) answered.push_back({std::move(packet), *verdict, told});
    }
    return answered;
}

int Pipeline::wait_ms(int most) {
    if (parked_.counters().now == 0) return most;
    const std::lock_guard lock(mutex_);
    return parked_.wait_ms(monotonic_ns(), most);
}

// Under which rules it is decided, and when.
Surroundings Pipeline::begin(Decided& decided, const ActiveRules& active) {
    decided.rules = active.rules;
    decided.time_us = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / 1000);
    const std::int64_t now = decided.time_us / 1'000'000;
    return {now, local_minute_.at(now), active.facts()};
}

// Each round finds out something that the one before did not know, and there are three such facts.
// With a `failure`, what is not known by now counts as not to be known.
std::optional<QueueVerdict> Pipeline::decide(PendingPacket& packet, const ActiveRules& active, NoContent failure) {
    Decided& decided = packet.decided;
    const Surroundings around = begin(decided, active);
    for (;;) {
        decided.flow.names = flow_names_.views();
        decided.flow.interface = active.interface_name(packet.interface);
        const Decision decision = active.rules->decide(decided.flow, around);
        const Facts open = unanswered(decision, decided.flow);
        if (open.none()) return conclude(packet, active, decision);
        packet.wanted = open;
        if (decided.content) packet.wanted.add(decided.content->asked);
        if (fill_content(decided, packet.wanted, failure)) continue;
        // Where nothing is blocked, nothing is kept waiting either: only its record is.
        const bool passes = active.mode == Mode::observe && !packet.passed;
        const QueueVerdict pass = passes ? accept(packet, active) : QueueVerdict{};
        packet.passed = packet.passed || passes;
        keep_names(packet);
        if (parked_.park(packet, monotonic_ns()))
            return passes ? std::optional(pass) : std::nullopt;
        if (passes) packet.passed = false;
        failure = NoContent::too_many;
    }
}

// The names that it was sent under, for its decision: the next packet's are others.
void Pipeline::keep_names(PendingPacket& packet) const {
    const auto names = flow_names_.all();
    packet.names.assign(names.begin(), names.end());
    packet.decided.flow.names = {};
    packet.decided.flow.interface = {};
}

// False: it is being found out.
bool Pipeline::fill_content(Decided& decided, Facts wanted, NoContent& failure) {
    decided.content = contents_.find(*decided.process, wanted);
    if (!decided.content && failure == NoContent::none) {
        if (contents_.request(*decided.process, wanted)) return false;
        failure = NoContent::too_many;
    }
    if (!decided.content)
        decided.content = std::make_shared<const ExecutableContent>(
            ExecutableContent::nothing(Facts::all(), failure));
    decided.flow.content = decided.content.get();
    return true;
}

QueueVerdict Pipeline::conclude(PendingPacket& packet, const ActiveRules& active,
                                const Decision& decision) {
    Decided& decided = packet.decided;
    const auto names = flow_names_.all();
    if (names.size() > 1) decided.other_names.assign(names.begin() + 1, names.end());
    decided.interface = decided.flow.interface;
    decided.flow.names = {};  // they are this packet's only, and these rules'
    decided.flow.interface = {};
    decided.decision = decision.action;
    decided.rule = decision.rule;
    const bool passes = packet.passed || active.mode == Mode::observe;
    decided.verdict = passes ? Action::accept : decision.action;
    if (packet.until_ns != 0 && decided.latency_ns >= 0) {
        const std::uint64_t parked_ns = packet.until_ns - parked_.limits().wait_ns;
        decided.latency_ns += static_cast<std::int64_t>(monotonic_ns() - parked_ns);
    }
    const QueueVerdict result = verdict(packet, active);
    if (packet.passed) packet.granted_as = 0;  // it was given what there is to give when it passed
    active.count(decision.rule);
    count(decided);
    if (!wants_each(active, decision))
        verdicts_.remember(decided, decision.depends_on, active.generation, monotonic_ns(),
                           [this](Decided&& repeats) { keep_repeats(std::move(repeats)); });
    packet.concluded = true;
    return result;
}

void Pipeline::count(const Decided& decided) {
    counters_.by_verdict[static_cast<std::size_t>(decided.verdict)] += decided.count;
    counters_.by_unknown[static_cast<std::size_t>(decided.flow.unknown)] += decided.count;
}

// What the remote is called by now: an address has many names in turn. One that has expired meanwhile is
// better than none.
void Pipeline::keep_repeats(Decided&& repeats) {
    names_.look_up(repeats.flow, false, monotonic_ns(), repeat_names_);
    if (const auto names = repeat_names_.all(); !names.empty()) {
        repeats.host = names.front();
        repeats.other_names.assign(names.begin() + 1, names.end());
    }
    const auto active = active_.load();
    if (active->rules == repeats.rules) active->count(repeats.rule, repeats.count);
    count(repeats);
    sink_(std::move(repeats));
}

void Pipeline::tend(bool last) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t now_ns = monotonic_ns();
    names_.take_in(now_ns);  // also while no packet asks for names
    if (!last && !verdicts_.due(now_ns)) return;
    verdicts_.collect(now_ns, static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / 1000),
                      [this](Decided&& repeats) { keep_repeats(std::move(repeats)); });
}

void Pipeline::attribute(PendingPacket& packet, const QueuedPacket& queued, Attribution& attribution) const {
    Decided& decided = packet.decided;
    const std::uint64_t now_ns = monotonic_ns();
    const std::uint32_t slot = queued.forwarded ? 0 : marks_.slot(queued.mark);
    Attributed found = attribution.of(decided.flow, queued, slot, now_ns);
    decided.flow.unknown = found.unknown;
    decided.flow.process = found.process.get();
    decided.process = std::move(found.process);
    decided.source = found.source;
    decided.identity = found.identity;
    packet.grant = found.grant;
    if (found.seen_ns != 0 && now_ns >= found.seen_ns)
        decided.latency_ns = static_cast<std::int64_t>(now_ns - found.seen_ns);
}

QueueVerdict Pipeline::accept(PendingPacket& packet, const ActiveRules& active) const {
    packet.granted_as = active.granted_as;
    return {true, marks_.accept(packet.mark, active.accept_mark)};
}

QueueVerdict Pipeline::verdict(PendingPacket& packet, const ActiveRules& active) const {
    switch (packet.decided.verdict) {
    case Action::accept:
        return accept(packet, active);
    case Action::reject:
        // Netfilter can't answer from a verdict: the packet goes on to the chain that does.
        return {true, marks_.merge(packet.mark, marks_.reject())};
    case Action::drop:
        break;
    }
    return {false, packet.mark};
}

}  // namespace doorward
