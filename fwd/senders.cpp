// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/senders.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <bpf/bpf.h>

namespace doorward {
namespace {

// From the rule that names the slot to the queue a packet needs a microsecond or two, unless its
// sender loses the CPU in between; but then nobody else can have the port yet.
constexpr std::uint64_t from_slot_to_queue_ns = 500'000;

constexpr std::size_t v4_header = 20;
constexpr std::size_t v6_header = 40;

void copy(dw_u8* to, const Address& address) {
    std::memcpy(to, address.bytes.data(), address.bytes.size());
}

// The hooks write 0.0.0.0 as all zero.
Address v4(std::span<const std::uint8_t, 4> bytes) {
    const Address address = Address::v4(bytes);
    return address.is_unspecified() ? Address{} : address;
}

dw_binding binding_of(const dw_sender& sender) {
    dw_binding binding{};
    binding.who = sender.who;
    binding.sent_ns = sender.sent_ns;
    binding.seen_ns = sender.seen_ns;
    binding.cgroup_id = sender.cgroup_id;
    binding.uid = sender.uid;
    binding.gid = sender.gid;
    binding.hook = sender.hook;
    binding.flags = sender.flags;
    return binding;
}

bool whole(const dw_sender& slot) {
    return slot.version != 0 && slot.version == slot.version_end;
}

const dw_sender* newest_of(const dw_senders& all, std::uint64_t socket) {
    const dw_sender* newest = nullptr;
    for (const dw_sender& slot : all.slot)
        if (slot.cookie == socket && (!newest || slot.version > newest->version)) newest = &slot;
    return newest;
}

}  // namespace

std::optional<dw_flow_key> sender_key(std::span<const std::uint8_t> packet) {
    if (packet.size() < v4_header) return std::nullopt;
    dw_flow_key key{};
    std::size_t transport = v6_header;
    if (packet[0] >> 4 == 4) {
        key.protocol = packet[9];
        copy(key.local, v4(packet.subspan<12, 4>()));
        copy(key.remote, v4(packet.subspan<16, 4>()));
        transport = static_cast<std::size_t>(packet[0] & 15) * 4;
    } else {
        if (packet.size() < v6_header) return std::nullopt;
        key.protocol = packet[6];
        std::memcpy(key.local, packet.data() + 8, sizeof(key.local));
        std::memcpy(key.remote, packet.data() + 24, sizeof(key.remote));
    }
    const auto protocol = static_cast<Protocol>(key.protocol);
    const bool icmp = protocol == Protocol::icmp || protocol == Protocol::icmpv6;
    const std::size_t at = transport + (icmp ? 4 : 0);
    const std::size_t length = icmp ? 2 : 4;
    if (packet.size() >= at + length) std::memcpy(&key.local_port, packet.data() + at, length);
    return key;
}

dw_flow_key sender_key(const Flow& flow) {
    dw_flow_key key{};
    copy(key.local, flow.local);
    copy(key.remote, flow.remote);
    key.local_port = htons(flow.local_port);
    key.remote_port = htons(flow.remote_port);
    key.protocol = static_cast<dw_u8>(flow.protocol);
    return key;
}

Senders Senders::of_map(int senders_fd) {
    return Senders([senders_fd](const dw_flow_key& key, dw_senders& value) {
        return bpf_map_lookup_elem(senders_fd, &key, &value) == 0;
    });
}

FoundSender Senders::of_packet(const dw_flow_key& key, std::uint32_t slot,
                               std::uint64_t settled_ns) const {
    dw_senders all{};
    if (slot == 0 || slot > DW_SENDER_SLOTS) return {std::nullopt, Unknown::no_binding};
    if (!map_(key, all)) return {std::nullopt, Unknown::process_lost};
    const dw_sender& sender = all.slot[slot - 1];
    if (!whole(sender)) return {std::nullopt, Unknown::ambiguous};
    if (sender.before_ns != 0 && sender.before_ns + from_slot_to_queue_ns > settled_ns)
        return {std::nullopt, Unknown::ambiguous};
    std::optional<dw_grant> grant;
    if (key.protocol != static_cast<dw_u8>(Protocol::tcp)) grant = {key, sender.cookie, sender.who};
    return {binding_of(sender), Unknown::none, grant};
}

std::optional<dw_binding> Senders::latest(const dw_flow_key& key, std::optional<std::uint64_t> socket) const {
    dw_senders all{};
    if (!map_(key, all) || all.owner == 0 || all.owner > DW_SENDER_SLOTS) return std::nullopt;
    const dw_sender* sender = &all.slot[all.owner - 1];
    if (socket && sender->cookie != *socket) sender = newest_of(all, *socket);
    if (!sender || !whole(*sender)) return std::nullopt;
    return binding_of(*sender);
}

}  // namespace doorward
