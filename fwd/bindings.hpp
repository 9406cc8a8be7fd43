// SPDX-License-Identifier: GPL-2.0-or-later
// Tuple → what the hooks on connect and send wrote about its sender.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>

#include "fwd/binding_table.hpp"
#include "rules/flow.hpp"

namespace doorward {

bool same_process(const dw_process_key& a, const dw_process_key& b);

// Whether its senders are bound with their sockets' ports. (Of other protocols with ports, they are not.)
bool has_sockets(Protocol protocol);

// Reads the map that Probes owns (which must outlive it). Thread-safe: it only makes system calls.
class Bindings {
public:
    // Fills in what is known of each key. They have one remote end, protocol and pair of ports.
    using FlowMap = std::function<void(std::span<const dw_flow_key> keys,
                                       std::span<std::optional<dw_binding>> found)>;

    explicit Bindings(FlowMap flows) : flows_(std::move(flows)) {}
    static Bindings of_table(const BindingTable& table);

    // The process that sent the first packet of an outbound flow. Of several candidates (a socket
    // may not have chosen its source address when a hook saw it) the latest writer counts.
    std::optional<dw_binding> sender(const Flow& flow) const;

private:
    FlowMap flows_;
};

// The same for flows that processes in other network namespaces of this host have opened.
class ForeignBindings {
public:
    using Map = std::function<bool(const dw_flow_key&, dw_foreign&)>;

    explicit ForeignBindings(Map map) : map_(std::move(map)) {}
    static ForeignBindings of_map(int foreign_fd);

    // Who opened the forwarded flow; `forwarded` if nobody was seen to, `ambiguous` if two
    // namespaces have used the tuple, or another process of the same one shortly before.
    // `settled_ns`: all packets sent earlier have been decided (CLOCK_MONOTONIC).
    std::expected<dw_binding, Unknown> opener(const Flow& flow, std::uint64_t settled_ns) const;

private:
    Map map_;
};

}  // namespace doorward
