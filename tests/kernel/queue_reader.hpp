// SPDX-License-Identifier: GPL-2.0-or-later
// A thread that answers a packet queue, and remembers what it saw.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fwd/marks.hpp"
#include "fwd/packet_queue.hpp"
#include "rules/packet.hpp"

namespace doorward::test {

struct Seen {
    bool inbound = false;
    std::uint32_t mark = 0;
    std::uint32_t interface = 0;
    std::size_t size = 0;
    Packet packet;
};

// Judges one packet after the other.
template <class DecideOne>
PacketQueue::Decide each(DecideOne decide) {
    return [decide = std::move(decide)](std::span<const QueuedPacket> packets,
                                        std::span<std::optional<QueueVerdict>> verdicts) mutable {
        for (std::size_t i = 0; i < packets.size(); ++i) verdicts[i] = decide(packets[i]);
    };
}

// Calls `decide` for all that is not IGMP or ICMPv6, which the kernel sends when it likes: that is
// dropped and not remembered. `decide` runs in the reader's thread.
class QueueReader {
public:
    using Decide = std::function<QueueVerdict(const QueuedPacket&, const Packet&)>;

    QueueReader(PacketQueue queue, Decide decide)
        : queue_(std::move(queue)), decide_(std::move(decide)), thread_([this] { work(); }) {}
    ~QueueReader() {
        stop_ = true;
        thread_.join();
    }

    std::vector<Seen> seen() const {
        const std::scoped_lock lock(mutex_);
        return seen_;
    }
    std::size_t count() const { return seen().size(); }

    // Waits for packet number `wanted`, for at most some seconds.
    bool saw(std::size_t wanted) const {
        for (int i = 0; i < 500 && count() < wanted; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return count() >= wanted;
    }

    QueueCounters counters() const { return queue_.counters(); }
    std::string error() const {
        const std::scoped_lock lock(mutex_);
        return error_;
    }

private:
    QueueVerdict answer(const QueuedPacket& queued) {
        const Packet packet = parse_packet(queued.payload).packet;
        if (packet.protocol == Protocol::icmpv6 || packet.protocol == Protocol{2}) return {};
        {
            const std::scoped_lock lock(mutex_);
            seen_.push_back({queued.inbound, queued.mark, queued.interface, queued.payload.size(),
                             packet});
        }
        return decide_(queued, packet);
    }

    void work() {
        while (!stop_) {
            const auto served = queue_.serve(20, each([this](const auto& p) { return answer(p); }));
            if (served) continue;
            const std::scoped_lock lock(mutex_);
            error_ = served.error().text();
            return;
        }
    }

    PacketQueue queue_;
    Decide decide_;
    mutable std::mutex mutex_;
    std::vector<Seen> seen_;
    std::string error_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace doorward::test
