// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/queue_message.hpp"

#include <algorithm>
#include <cstddef>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include "fwd/netlink_bytes.hpp"

namespace doorward {
namespace {

std::uint32_t number(Bytes value, bool& good) {
    const auto read = read_as<std::uint32_t>(value);
    if (!read) good = false;
    return ntohl(read.value_or(0));
}

void take_header(Bytes value, QueueMessage& message, bool& good) {
    const auto header = read_as<nfqnl_msg_packet_hdr>(value);
    if (!header) {
        good = false;
        return;
    }
    message.packet.id = ntohl(header->packet_id);
    message.id_known = true;
    message.packet.inbound = header->hook == NF_INET_LOCAL_IN;
    message.packet.forwarded = header->hook == NF_INET_FORWARD;
    if (!message.packet.inbound && !message.packet.forwarded && header->hook != NF_INET_LOCAL_OUT)
        good = false;
}

void take_attribute(std::uint16_t type, Bytes value, QueueMessage& message, bool& good) {
    switch (type) {
    case NFQA_PACKET_HDR: take_header(value, message, good); break;
    case NFQA_MARK: message.packet.mark = number(value, good); break;
    case NFQA_IFINDEX_OUTDEV: message.packet.interface = number(value, good); break;
    case NFQA_IFINDEX_INDEV:  // forwarded packets have both: where they go is what rules ask for
        if (message.packet.interface == 0) message.packet.interface = number(value, good);
        break;
    case NFQA_PAYLOAD: message.packet.payload = value; break;
    default: break;  // newer kernels may tell more
    }
}

// Goes on as far as the bytes reach even if something is wrong: with its id a packet can still be
// dropped, without it the kernel would hold it for ever.
QueueMessage read_packet(Bytes body, bool whole) {
    QueueMessage message;
    bool good = whole;
    Bytes rest = after(body, netlink_aligned(sizeof(nfgenmsg)));
    while (!rest.empty()) {
        const auto attribute = read_as<nlattr>(rest);
        if (!attribute || attribute->nla_len < sizeof(nlattr) ||
            attribute->nla_len > rest.size()) {
            good = false;
            break;
        }
        take_attribute(attribute->nla_type & NLA_TYPE_MASK,
                       rest.subspan(sizeof(nlattr), attribute->nla_len - sizeof(nlattr)), message,
                       good);
        rest = after(rest, netlink_aligned(attribute->nla_len));
    }
    const bool complete = good && message.id_known && !message.packet.payload.empty();
    message.kind = complete ? QueueMessage::Kind::packet : QueueMessage::Kind::unreadable;
    return message;
}

QueueMessage read_refusal(Bytes body) {
    QueueMessage message;
    constexpr std::int32_t least = -4095;  // MAX_ERRNO of the kernel's err.h
    const auto error = read_as<std::int32_t>(body);
    const bool can_be = error && *error <= 0 && *error >= least;
    message.kind = can_be ? QueueMessage::Kind::refusal : QueueMessage::Kind::unreadable;
    message.error = can_be ? -*error : 0;
    return message;
}

}  // namespace

std::optional<QueueMessage> next_queue_message(std::span<const std::uint8_t>& datagram) {
    if (datagram.empty()) return std::nullopt;
    const auto header = read_as<nlmsghdr>(datagram);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr)) {
        datagram = {};
        return QueueMessage{QueueMessage::Kind::unreadable, {}, false, 0};
    }
    const bool whole = header->nlmsg_len <= datagram.size();
    const std::size_t length = whole ? header->nlmsg_len : datagram.size();
    const Bytes body = datagram.subspan(sizeof(nlmsghdr), length - sizeof(nlmsghdr));
    datagram = after(datagram, netlink_aligned(length));
    if (header->nlmsg_type == NLMSG_ERROR) return read_refusal(body);
    if (header->nlmsg_type == ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)) {
        return read_packet(body, whole);
    }
    return QueueMessage{};
}

}  // namespace doorward
