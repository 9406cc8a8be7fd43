// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/attribution.hpp"

#include <bpf/bpf.h>

#include "fwd/marks.hpp"
#include "rules/packet.hpp"

namespace doorward {
namespace {

AttributionSource source_of(const dw_binding& binding, Direction direction) {
    if (binding.hook == DW_HOOK_SCAN) return AttributionSource::scan;
    if (direction == Direction::in) return AttributionSource::listener;
    switch (binding.hook) {
    case DW_HOOK_KPROBE: return AttributionSource::kprobe;
    case DW_HOOK_FENTRY: return AttributionSource::fentry;
    case DW_HOOK_CGROUP: return AttributionSource::cgroup;
    case DW_HOOK_NETFILTER: return AttributionSource::netfilter;
    default: return AttributionSource::none;
    }
}

// In all that a rule may ask of them.
bool alike(Process one, const Process& other) {
    one.pid = other.pid;
    one.start_ns = other.start_ns;
    one.exec_id = other.exec_id;
    one.parent_pid = other.parent_pid;
    one.comm = other.comm;
    one.command_line = other.command_line;
    return one == other;
}

bool is_found(const FoundSender& found) { return found.binding || found.unknown != Unknown::none; }

bool is_icmp(Protocol protocol) {
    return protocol == Protocol::icmp || protocol == Protocol::icmpv6;
}

}  // namespace

Attribution::Attribution(Senders senders, Bindings bindings, ForeignBindings foreign,
                         HolderMap holders, PortGroups groups, SocketLookup& sockets,
                         ProcessTable& processes)
    : senders_(std::move(senders)), bindings_(std::move(bindings)), foreign_(std::move(foreign)),
      holders_(std::move(holders)), groups_(std::move(groups)), sockets_(sockets), processes_(processes) {}

Attribution::HolderMap Attribution::holders_of_map(int holders_fd) {
    return [holders_fd](std::uint64_t cookie, dw_binding& value) {
        return bpf_map_lookup_elem(holders_fd, &cookie, &value) == 0;
    };
}

Attributed Attribution::of(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot,
                           std::uint64_t now_ns) {
    const FoundSender found = find(flow, packet, slot, now_ns);
    if (!found.binding) return {nullptr, found.unknown, AttributionSource::none, 0};
    NamedProcess named = processes_.name(*found.binding);
    const bool saw_send = flow.direction != Direction::in && found.binding->hook != DW_HOOK_SCAN;
    const bool sends = found.grant || found.connects;
    return {std::move(named.process), named.unknown,
            source_of(*found.binding, sends ? Direction::out : flow.direction),
            saw_send ? found.binding->seen_ns : 0, named.identity, found.grant};
}

FoundSender Attribution::find(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot,
                              std::uint64_t now_ns) {
    switch (flow.direction) {
    case Direction::out: return sender(flow, packet, slot, now_ns);
    case Direction::in: return answerer(flow, packet, slot);
    case Direction::forward: break;
    }
    const auto opener = foreign_.opener(flow, packet.settled_ns);
    if (!opener) return {std::nullopt, opener.error()};
    return {*opener, Unknown::none};
}

// Of a packet that leaves, whoever sends it: several programs may have a port, and one that only answers on
// it must not do so as the one that listens. What the kernel answers is the listener's.
FoundSender Attribution::answerer(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot) {
    const auto key = sender_key(packet.payload);
    if (slot != 0 && key && !packet.inbound && flow.protocol != Protocol::tcp) {
        const FoundSender found = senders_.of_packet(*key, slot, packet.settled_ns);
        if (!found.binding || !(found.binding->flags & DW_FROM_KERNEL)) return found;
    }
    // Joined to a connection that is open (MPTCP), it is its owner's: a token in the packet says whose.
    if (flow.protocol == Protocol::tcp && packet.inbound && parse_packet(packet.payload).packet.tcp_joins)
        return {std::nullopt, Unknown::ambiguous};
    return receiver(flow, packet, packet.inbound && slot == Marks::to_group);
}

FoundSender Attribution::sender(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot,
                                std::uint64_t now_ns) {
    if (slot != 0 && !packet.inbound) {
        const auto key = sender_key(packet.payload);
        const FoundSender found = key ? senders_.of_packet(*key, slot, packet.settled_ns)
                                      : FoundSender{std::nullopt, Unknown::no_binding};
        // Displaced since, or named by the table of a daemon before this one: the tuple may tell. Behind extension
        // headers the table sees no ports, and has not bound it.
        const bool bound = key && key->protocol == static_cast<dw_u8>(flow.protocol);
        if (found.unknown != Unknown::process_lost || !bound) return found;
    }
    return packet.inbound ? asker(flow, packet, now_ns) : sender_by_tuple(flow, packet.settled_ns, now_ns);
}

// An answer that comes in belongs to whoever asked last; of datagrams, by the socket that gets it: another may have
// sent on the same tuple since, a raw one above all.
FoundSender Attribution::asker(const Flow& flow, const QueuedPacket& packet, std::uint64_t now_ns) {
    std::optional<std::uint64_t> socket;
    if (is_udp(flow.protocol)) socket = sockets_.receiver(flow, packet.interface);
    if (const auto latest = senders_.latest(sender_key(flow), socket)) return {latest, Unknown::none};
    return sender_by_tuple(flow, packet.settled_ns, now_ns);
}

FoundSender Attribution::sender_by_tuple(const Flow& flow, std::uint64_t settled_ns,
                                         std::uint64_t now_ns) {
    const auto binding = bindings_.sender(flow);
    if (!binding) return {std::nullopt, Unknown::no_binding};
    if (handovers_.ambiguous(flow, *binding, settled_ns)) return {std::nullopt, Unknown::ambiguous};
    handovers_.named(flow, binding->who, now_ns);
    return {binding, Unknown::none};
}

std::optional<dw_binding> Attribution::holder(std::uint64_t cookie) {
    dw_binding found{};
    if (holders_(cookie, found)) return found;
    return std::nullopt;
}

FoundSender Attribution::held(const dw_binding& holder, std::uint64_t cookie) {
    if ((holder.flags & DW_SHARED) || shared_with_others(holder, cookie))
        return {std::nullopt, Unknown::ambiguous};
    return {holder, Unknown::none};
}

// Several processes of one program serve a port as one: whichever is given the packet, it is decided alike.
bool Attribution::shared_with_others(const dw_binding& holder, std::uint64_t cookie) {
    dw_port_group group{.sock = holder.sock, .cookie = cookie, .count = 0, .pad = 0, .members = {}};
    if (!groups_(group) || group.count > DW_GROUP_MAX) return true;
    const NamedProcess one = processes_.name(holder);
    for (std::uint32_t i = 0; i < group.count; ++i) {
        const auto other = this->holder(group.members[i]);
        if (!other) return true;
        if (same_process(other->who, holder.who)) continue;
        const NamedProcess another = processes_.name(*other);
        if (!one.process || !another.process || !alike(*one.process, *another.process)) return true;
    }
    return false;
}

// Nothing: nobody holds it.
FoundSender Attribution::held_socket(std::optional<std::uint64_t> cookie) {
    const auto found = cookie ? holder(*cookie) : std::nullopt;
    return found ? held(*found, *cookie) : FoundSender{};
}

FoundSender Attribution::receiver(const Flow& flow, const QueuedPacket& packet, bool to_group) {
    // The kernel itself answers to ICMP.
    if (is_icmp(flow.protocol)) return {std::nullopt, Unknown::kernel};
    if (!has_sockets(flow.protocol)) return {std::nullopt, Unknown::no_listener};
    if (to_group || goes_to_group(flow)) return group_receiver(flow);
    if (const auto found = held_socket(sockets_.receiver(flow, packet.interface)); is_found(found)) return found;
    if (flow.protocol == Protocol::tcp) return server(flow, packet);
    return {std::nullopt, Unknown::no_listener};
}

// An accepted connection is not held by itself: the listener's holder is its receiver. But what comes in may
// be for one that both ends began at once.
FoundSender Attribution::server(const Flow& flow, const QueuedPacket& packet) {
    if (sockets_.connects(flow, packet.interface)) return connector(flow);
    const auto found = held_socket(sockets_.listener(flow, packet.interface));
    return is_found(found) ? found : FoundSender{std::nullopt, Unknown::no_listener};
}

FoundSender Attribution::connector(const Flow& flow) {
    const auto binding = bindings_.sender(flow);
    if (!binding) return {std::nullopt, Unknown::no_binding};
    return {binding, Unknown::none, std::nullopt, true};
}

// Everybody on the port gets a copy. If that is one process, it is the receiver.
FoundSender Attribution::group_receiver(const Flow& flow) {
    std::optional<dw_binding> one;
    const auto receivers = sockets_.group_receivers(flow);
    if (!receivers) return {std::nullopt, Unknown::ambiguous};
    for (const std::uint64_t cookie : *receivers) {
        const auto found = holder(cookie);
        if (!found || (found->flags & DW_SHARED) || (one && !same_process(one->who, found->who)))
            return {std::nullopt, Unknown::ambiguous};
        one = found;
    }
    if (one) return {one, Unknown::none};
    return {std::nullopt, Unknown::no_listener};
}

bool Attribution::listens(const Flow& flow, std::uint32_t interface) {
    return sockets_.listener(flow, interface).has_value();
}

}  // namespace doorward
