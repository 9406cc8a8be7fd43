// SPDX-License-Identifier: GPL-2.0-or-later
// The guard's queues and their threads: opened, started, watched and ended together.
#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>
#include <sys/eventfd.h>

#include "fwd/guard.hpp"

namespace doorward {

// The packets that the kernel may hold are the queues' together. Where nobody has asked for several, one that another
// program reads is no reason not to start.
Result<void> Guard::open_queues(const Config& config) {
    const std::uint32_t each = (config.limits.queued_packets + queues_ - 1) / queues_;
    for (std::uint16_t i = 0; i < queues_; ++i) {
        auto reader = PacketReader::open(static_cast<std::uint16_t>(config.queue + i), each);
        if (reader) {
            readers_.push_back(std::move(*reader));
        } else if (i > 0 && config.queues == 0) {
            queues_ = std::bit_floor(i);
            readers_.resize(queues_);
        } else if (i > 0) {
            return fail(fmt::format("queues {}: {}", queue_numbers(config.queue, queues_), reader.error().what),
                        "stop that process, set another `queue`, or fewer `queues`");
        } else {
            return std::unexpected(reader.error());
        }
    }
    return {};
}

void Guard::start_threads() {
    const std::uint16_t first = readers_.front()->number();
    const auto answer = [this, first](std::uint16_t queue, std::uint32_t id, std::uint32_t mark,
                                      const QueueVerdict& verdict) {
        if (auto sent = readers_[queue - first]->answer(id, mark, verdict); !sent) lose(sent.error());
    };
    const PacketReader::Shared shared{*pipeline_, *contents_, answer, [this](const Error& error) { lose(error); },
                                      busy_wait_};
    serving_ = true;
    for (const auto& reader : readers_) reader->start(shared, reader == readers_.front());
}

void Guard::lose(const Error& error) {
    const std::lock_guard lock(losing_);
    if (!lost_) lost_ = error;
    ::eventfd_write(lost_event_.get(), 1);
}

std::optional<Error> Guard::lost() const {
    eventfd_t count = 0;
    if (::eventfd_read(lost_event_.get(), &count)) return std::nullopt;
    const std::lock_guard lock(losing_);
    return lost_;
}

std::uint64_t Guard::heartbeat_ns() const {
    std::uint64_t oldest = ~std::uint64_t{0};
    for (const auto& reader : readers_) oldest = std::min(oldest, reader->heartbeat_ns());
    return oldest;
}

QueueCounters Guard::queue_counters() const {
    QueueCounters all;
    for (const auto& reader : readers_) {
        const QueueCounters one = reader->counters();
        all.received += one.received;
        all.verdicts += one.verdicts;
        all.kernel_dropped += one.kernel_dropped;
        all.malformed += one.malformed;
    }
    return all;
}

void Guard::end_threads() {
    if (verdicts_) verdicts_->suspend();
    for (const auto& reader : readers_) reader->end();
    for (const auto& reader : readers_) reader->join();
    if (std::exchange(serving_, false)) pipeline_->tend(true);
}

}  // namespace doorward
