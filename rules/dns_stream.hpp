// SPDX-License-Identifier: GPL-2.0-or-later
// DNS over TCP: segments of one connection → messages.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "rules/dns_segment.hpp"

namespace doorward {

// One direction of a connection. Bounded: holds at most one unfinished message.
class DnsStream {
public:
    static constexpr std::size_t longest = 16384;  // of a message that is put together

    explicit DnsStream(std::uint32_t next) : next_(next) {}

    // Calls `message` for each that is complete now. False: a piece is missing, or a message is too
    // long; nothing more can be read from this stream.
    bool take(std::uint32_t sequence, std::span<const std::uint8_t> bytes,
              const std::function<void(std::span<const std::uint8_t>)>& message);

private:
    std::uint32_t next_;  // sequence number of the byte that comes next
    std::vector<std::uint8_t> kept_;
};

}  // namespace doorward
