// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/packet_flow.hpp"

namespace doorward {

Flow flow_of(const Packet& packet, PacketContext context,
             const std::function<bool(const Flow&)>& listens) {
    Flow flow;
    flow.protocol = packet.protocol;
    flow.local = context.inbound ? packet.destination : packet.source;
    flow.remote = context.inbound ? packet.source : packet.destination;
    flow.local_port = context.inbound ? packet.destination_port : packet.source_port;
    flow.remote_port = context.inbound ? packet.source_port : packet.destination_port;
    flow.direction = context.inbound != context.reply ? Direction::in : Direction::out;
    if (packet.protocol == Protocol::tcp && !packet.tcp_syn && !context.reply) {
        flow.direction = listens(flow) ? Direction::in : Direction::out;
    }
    return flow;
}

}  // namespace doorward
