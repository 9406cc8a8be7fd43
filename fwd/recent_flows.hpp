// SPDX-License-Identifier: GPL-2.0-or-later
// The latest decision on each flow, to put names beside what conntrack says is open.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "fwd/conntrack.hpp"
#include "fwd/control_types.hpp"
#include "fwd/decided.hpp"
#include "fwd/lru.hpp"

namespace doorward {

Flow flow_of(const FlowEnds& ends);

// Thread-safe; the lock is held for a look-up or an insertion only.
class RecentFlows {
public:
    explicit RecentFlows(std::size_t capacity) : flows_(capacity) {}

    void remember(const Decided& decided);

    // Whose a flow is now, as far as that can be seen, and what the rules say of it: of flows that the kernel
    // decided by itself nothing is remembered here, or something of a former owner.
    struct Seen {
        std::shared_ptr<const Process> process;
        std::int64_t time_us = 0;  // since the epoch, when it was first seen to send
        Action decision = Action::accept;
        std::string rule;          // empty: the default
    };
    using See = std::function<std::optional<Seen>(const Flow&)>;

    // Whether this process has the flow, and the latest decision on it was to let it pass.
    bool is_owner(const FlowEnds& flow, const See& see);

    // Of the tracked flows, those that the firewall decided (`decided_mark` under `mask`), each with
    // what is known of it. `now_us` in microseconds since the epoch.
    std::vector<OpenFlow> name(const std::vector<TrackedFlow>& tracked, std::uint32_t mask,
                               std::uint32_t decided_mark, std::int64_t now_us, const See& see);

private:
    struct Key {
        std::array<std::uint8_t, 16> local;
        std::array<std::uint8_t, 16> remote;
        std::uint16_t local_port;
        std::uint16_t remote_port;
        std::uint32_t protocol;
        bool operator==(const Key&) const = default;
    };

    // Not the rules that decided: flows that have long ended would keep every ruleset that there was.
    struct Remembered {
        Direction direction;
        Action verdict;
        Action decision;
        Unknown unknown;
        std::int64_t time_us;
        std::shared_ptr<const Process> process;
        std::string rule;  // empty: the default
        std::shared_ptr<const std::string> host;
    };

    static Key key_of(const Flow& flow);
    static OpenFlow open_flow(const TrackedFlow& tracked, const std::optional<Remembered>& decided,
                              std::int64_t now_us);
    std::optional<Remembered> find(const Flow& flow);
    std::optional<Remembered> owner(const Flow& flow, const See& see);

    std::mutex mutex_;
    Lru<Key, Remembered, HashBytes> flows_;
};

}  // namespace doorward
