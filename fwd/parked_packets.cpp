// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/parked_packets.hpp"

#include <algorithm>

#include "fwd/executable_file.hpp"

namespace doorward {

bool ParkedPackets::park(PendingPacket& packet, std::uint64_t now_ns) {
    const FileVersion file = version_of(*packet.decided.process);
    const auto of_this_file = std::ranges::count_if(packets_, [&](const PendingPacket& other) {
        return version_of(*other.decided.process) == file;
    });
    if (packets_.size() >= limits_.packets ||
        static_cast<std::size_t>(of_this_file) >= limits_.of_one_file) {
        refused_++;
        return false;
    }
    if (packet.until_ns == 0) {
        packet.until_ns = now_ns + limits_.wait_ns;
        total_++;
    }
    packets_.push_back(std::move(packet));
    now_ = packets_.size();
    return true;
}

std::vector<ParkedPackets::Taken> ParkedPackets::take(
    std::uint64_t now_ns, const std::function<bool(const PendingPacket&)>& known) {
    std::vector<Taken> taken;
    std::vector<PendingPacket> left;
    left.reserve(packets_.size());
    for (PendingPacket& packet : packets_) {
        if (known(packet)) {
            taken.push_back({std::move(packet), false});
        } else if (now_ns >= packet.until_ns) {
            taken.push_back({std::move(packet), true});
            overdue_++;
        } else {
            left.push_back(std::move(packet));
        }
    }
    packets_ = std::move(left);
    now_ = packets_.size();
    return taken;
}

int ParkedPackets::wait_ms(std::uint64_t now_ns, int most) const {
    constexpr std::uint64_t millisecond = 1'000'000;
    std::uint64_t wait = static_cast<std::uint64_t>(most);
    for (const PendingPacket& packet : packets_) {
        const std::uint64_t left = packet.until_ns > now_ns ? packet.until_ns - now_ns : 0;
        wait = std::min(wait, (left + millisecond - 1) / millisecond);
    }
    return static_cast<int>(wait);
}

}  // namespace doorward
