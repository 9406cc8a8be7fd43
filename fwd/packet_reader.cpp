// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/packet_reader.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include <pthread.h>
#include <sys/eventfd.h>

#include "fwd/clock.hpp"
#include "fwd/nft_table.hpp"
#include "fwd/run_delay.hpp"
#include "fwd/thread_signals.hpp"

namespace doorward {
namespace {

constexpr int serve_timeout_ms = 250;
constexpr int processors_each = 4;

}  // namespace

std::uint16_t queues_for(int processors, std::uint16_t first) {
    const std::uint32_t numbers_left = 65536U - first;
    const std::uint32_t wanted = static_cast<std::uint32_t>(std::max(processors / processors_each, 1));
    return static_cast<std::uint16_t>(
        std::bit_floor(std::min({wanted, numbers_left, std::uint32_t{NftLayout::most_queues}})));
}

Result<std::unique_ptr<PacketReader>> PacketReader::open(std::uint16_t number, std::uint32_t max_packets) {
    auto queue = PacketQueue::open(number, max_packets);
    if (!queue) return std::unexpected(queue.error());
    return std::unique_ptr<PacketReader>(new PacketReader(number, std::move(*queue)));
}

Result<void> PacketReader::know_senders(Probes& probes, ProcessTable& processes) {
    auto sockets = SockDiag::open();
    if (!sockets) return std::unexpected(sockets.error());
    sockets_.emplace(std::move(*sockets));
    lane_.emplace(Attribution(Senders::of_map(probes.senders_fd()), Bindings::of_table(probes.bindings()),
                              ForeignBindings::of_map(probes.foreign_fd()),
                              Attribution::holders_of_map(probes.holders_fd()),
                              [&probes](dw_port_group& asked) { return probes.ask_port_group(asked); }, *sockets_,
                              processes));
    return {};
}

void PacketReader::start(const Shared& shared, bool tends) {
    thread_ = std::thread([this, shared, tends] { serve(shared, tends); });
}

void PacketReader::join() {
    if (thread_.joinable()) thread_.join();
}

PacketReader::~PacketReader() {
    end();
    join();
}

void PacketReader::serve(const Shared& shared, bool tends) {
    block_signals();
    ::pthread_setname_np(::pthread_self(), tends ? "packets" : ("packets " + std::to_string(number_)).c_str());
    if (shared.busy_wait) queue_.set_busy_wait(busy_wait_of_thread());
    while (!ending_) {
        heartbeat_ns_ = monotonic_ns();
        if (tends) shared.pipeline.tend(false);
        if (auto served = serve_once(shared); !served) return shared.lost(served.error());
    }
}

Result<void> PacketReader::serve_once(const Shared& shared) {
    const auto judge = [&](std::span<const QueuedPacket> packets, std::span<std::optional<QueueVerdict>> verdicts) {
        shared.pipeline.judge(packets, verdicts, *lane_);
    };
    // While none is parked, nobody waits for what is being found out. Whoever parks one comes by here next.
    const int found = shared.pipeline.parked().now == 0 ? -1 : shared.contents.ready_fd();
    const auto served = queue_.serve(shared.pipeline.wait_ms(serve_timeout_ms), judge, found);
    if (!served) return std::unexpected(served.error());
    if (*served != 0 && shared.pipeline.parked().now == 0) return {};
    eventfd_t count = 0;
    // Read before: what comes later wakes us again.
    const bool found_out = ::eventfd_read(shared.contents.ready_fd(), &count) == 0;
    shared.pipeline.resume(found_out, shared.answer);
    return {};
}

}  // namespace doorward
