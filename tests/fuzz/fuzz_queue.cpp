// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a datagram of the kernel's packet queue.
#include <functional>

#include "require.hpp"
#include "fwd/queue_message.hpp"
#include "rules/packet.hpp"

using namespace doorward;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> whole(data, size);
    std::span<const std::uint8_t> rest = whole;
    while (const auto message = next_queue_message(rest)) {
        require(rest.size() < size);  // something was taken: it comes to an end
        size = rest.size();
        const QueuedPacket& packet = message->packet;
        if (message->kind == QueueMessage::Kind::packet) {
            require(message->id_known && !(packet.inbound && packet.forwarded));
            (void)parse_packet(packet.payload);
        }
        if (packet.payload.empty()) continue;
        const std::less_equal<const std::uint8_t*> before;
        require(before(whole.data(), packet.payload.data()) &&
                before(packet.payload.data() + packet.payload.size(), whole.data() + whole.size()));
    }
    return 0;
}
