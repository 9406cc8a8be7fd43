// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/packet_flow.hpp"

namespace doorward {

Flow flow_of(const Packet& packet, PacketContext context,
             const std::function<bool(const Flow&)>& listens) {
    Flow flow;
    flow.protocol = packet.protocol;
    // Of a forwarded flow the opener's end counts as local: a reply comes the other way round.
    const bool turned = context.forwarded ? context.reply : context.inbound;
    flow.local = turned ? packet.destination : packet.source;
    flow.remote = turned ? packet.source : packet.destination;
    flow.local_port = turned ? packet.destination_port : packet.source_port;
    flow.remote_port = turned ? packet.source_port : packet.destination_port;
    if (context.forwarded) {
        flow.direction = Direction::forward;
        return flow;
    }
    flow.direction = context.inbound != context.reply ? Direction::in : Direction::out;
    if (packet.protocol == Protocol::tcp && !packet.tcp_syn && !context.reply) {
        flow.direction = listens(flow) ? Direction::in : Direction::out;
    }
    return flow;
}

}  // namespace doorward
