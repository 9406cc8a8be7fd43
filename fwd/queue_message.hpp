// SPDX-License-Identifier: GPL-2.0-or-later
// One netlink message of the kernel's packet queue → what it says. Pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fwd/packet_queue.hpp"

namespace doorward {

struct QueueMessage {
    enum class Kind : std::uint8_t {
        packet,     // `packet` is complete
        unreadable, // cut short or contradicting itself; `packet.id` is set if `id_known`
        refusal,    // the kernel refused one of our messages: `error`
        other,      // nothing to act on
    };
    Kind kind = Kind::other;
    QueuedPacket packet;
    bool id_known = false;
    int error = 0;  // an errno, or 0 for an acknowledgement
};

// Takes the first message off `datagram`, and the bytes it occupies; nothing is left of a datagram
// whose next header can't be read. The packet's payload points into the datagram.
std::optional<QueueMessage> next_queue_message(std::span<const std::uint8_t>& datagram);

}  // namespace doorward
