// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/flow_senders.hpp"

namespace doorward {

FlowSenders::FlowSenders(Senders senders, Bindings bindings, ProcessTable processes)
    : senders_(std::move(senders)), bindings_(std::move(bindings)), processes_(std::move(processes)) {}

std::optional<LatestSender> FlowSenders::of(const Flow& flow) {
    if (flow.direction != Direction::out || !has_sockets(flow.protocol)) return std::nullopt;
    // What the kernel decided leaves no sender's slot in charge.
    auto binding = senders_.latest(sender_key(flow));
    if (!binding) binding = bindings_.sender(flow);
    if (!binding) return std::nullopt;
    NamedProcess named = processes_.name(*binding);
    if (!named.process) return std::nullopt;
    const std::uint64_t since = binding->since_ns != 0 ? binding->since_ns : binding->seen_ns;
    return LatestSender{std::move(named.process), since};
}

}  // namespace doorward
