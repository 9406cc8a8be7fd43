// SPDX-License-Identifier: GPL-2.0-or-later
// Connections that are open when the daemon starts.
#include <algorithm>

#include "fwd/packet_flow.hpp"
#include "fwd/pipeline.hpp"

namespace doorward {
namespace {

bool is_own(const Network* network, const Address& address) {
    return network != nullptr && std::ranges::find(network->self, address) != network->self.end();
}

// What its opener's next packet would say.
Packet next_packet(const TrackedFlow& connection) {
    Packet packet;
    packet.source = connection.source;
    packet.destination = connection.destination;
    packet.protocol = connection.protocol;
    packet.source_port = connection.source_port;
    packet.destination_port = connection.destination_port;
    packet.ports_known = true;
    return packet;
}

}  // namespace

// Connection tracking does not say whether it began here. An address that is not this host's own must not be
// asked about: the look-up finds a socket that listens on all addresses for somebody else's address too, and a
// connection that only passes through would be taken for one of its own.
bool Pipeline::attribute_open(PendingPacket& packet, const TrackedFlow& connection, const Network* network,
                              Attribution& attribution) const {
    for (const bool inbound : {false, true}) {
        if (!is_own(network, inbound ? connection.destination : connection.source)) continue;
        packet.decided.flow = flow_of(next_packet(connection), {.inbound = inbound}, [&](const Flow& flow) {
            return attribution.listens(flow, 0);
        });
        QueuedPacket none_queued;
        none_queued.inbound = inbound;
        attribute(packet, none_queued, attribution);
        if (packet.decided.flow.unknown == Unknown::none) return true;
    }
    return false;
}

bool Pipeline::accept_open(const TrackedFlow& connection, Lane& lane) {
    if (connection.protocol != Protocol::tcp || connection.closed || connection.zoned) return false;
    const auto active = active_.load();
    PendingPacket packet;
    Decided& decided = packet.decided;
    if (!attribute_open(packet, connection, active->facts(), lane.attribution)) return false;
    decided.latency_ns = -1;  // nobody waited for it
    flow_names_.clear();
    name(packet);
    const Surroundings around = begin(decided, *active);
    decided.flow.names = flow_names_.views();
    const Decision decision = active->rules->decide(decided.flow, around);
    if (decision.action != Action::accept || decision.depends_on.has(Input::interface) ||
        !unanswered(decision, decided.flow).none())
        return false;
    conclude(packet, *active, decision);
    settle(packet);
    return true;
}

}  // namespace doorward
