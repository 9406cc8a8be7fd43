// SPDX-License-Identifier: GPL-2.0-or-later
// Packet → flow: which end is ours, and which side began. Pure.
#pragma once

#include <functional>

#include "rules/flow.hpp"

namespace doorward {

struct PacketContext {
    bool inbound = false;    // seen on LOCAL_IN
    bool forwarded = false;  // seen on FORWARD; neither: on LOCAL_OUT
    bool reply = false;    // conntrack: goes against the direction of its flow
};

// `listens` is asked for TCP packets that conntrack met in the middle of a connection (the daemon
// or conntrack started later than it): conntrack then takes whoever spoke first for the opener,
// and a server's connections would be judged as outbound ones.
Flow flow_of(const Packet& packet, PacketContext context,
             const std::function<bool(const Flow&)>& listens);

}  // namespace doorward
