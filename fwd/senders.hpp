// SPDX-License-Identifier: GPL-2.0-or-later
// A queued packet → its sender, as the table's rules saw it leave (bpf/sender.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "bpf/wire.h"
#include "rules/flow.hpp"

namespace doorward {

// What bpf/sender_kind.h's sender_key() makes of the packet; nothing if it is too short to have a key.
// The ports in it are in network order. Pure.
std::optional<dw_flow_key> sender_key(std::span<const std::uint8_t> packet);
// The same for the outgoing packets of a flow.
dw_flow_key sender_key(const Flow& flow);

struct FoundSender {
    std::optional<dw_binding> binding;    // set if and only if `unknown` is none
    Unknown unknown = Unknown::none;
    std::optional<dw_grant> grant = std::nullopt;  // how the kernel knows a sender of datagrams
    bool connects = false;  // it asked to be connected to who sends
};

// Reads the map that Probes owns (which must outlive it). Thread-safe: it only makes system calls.
class Senders {
public:
    using Map = std::function<bool(const dw_flow_key&, dw_senders&)>;

    explicit Senders(Map map) : map_(std::move(map)) {}
    static Senders of_map(int senders_fd);

    // Who holds the slot that the packet's mark names, 1 to DW_SENDER_SLOTS. Everything that was
    // queued before `settled_ns` (CLOCK_MONOTONIC) has been answered: if the slot's former holder
    // had a packet queued later, the packet may be either's.
    FoundSender of_packet(const dw_flow_key& key, std::uint32_t slot, std::uint64_t settled_ns) const;

    // Who asked to send on the tuple last; nothing if nobody is known to have. With a socket's cookie: of those who
    // sent by that socket.
    std::optional<dw_binding> latest(const dw_flow_key& key,
                                     std::optional<std::uint64_t> socket = std::nullopt) const;

private:
    Map map_;
};

}  // namespace doorward
