// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/packet_queue.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>

#include "fwd/clock.hpp"
#include "fwd/queue_message.hpp"
#include "fwd/queue_socket.hpp"
#include "fwd/queue_verdicts.hpp"

namespace doorward {
namespace {

using Decide = PacketQueue::Decide;

// Tells the processor that this is a loop that waits.
void pause_processor() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

void add(QueueVerdicts& verdicts, std::uint32_t id, std::uint32_t mark, const QueueVerdict& verdict) {
    if (!verdict.accept) {
        verdicts.drop(id);
    } else if (verdict.mark == mark) {
        verdicts.accept(id);
    } else {
        verdicts.accept(id, verdict.mark);
    }
}

// What the kernel's table of queues adds up for one queue. Its counters have 32 bits and wrap.
class KernelDrops {
public:
    KernelDrops(Fd table, std::uint16_t queue) : table_(std::move(table)), queue_(queue) {}

    std::uint64_t total() {
        const std::scoped_lock lock(mutex_);
        // Read by the file opened at the start: it shows the namespace of then, to any thread.
        const auto text = read_again(table_);
        const auto row = text ? find_queue_row(*text, queue_) : std::nullopt;
        if (!row) return total_;  // the queue is gone; what was lost is known
        total_ += row->queue_dropped - last_.queue_dropped;
        total_ += row->reader_dropped - last_.reader_dropped;
        last_ = *row;
        return total_;
    }

private:
    std::mutex mutex_;
    Fd table_;
    std::uint16_t queue_;
    QueueTableRow last_;
    std::uint64_t total_ = 0;
};

}  // namespace

struct PacketQueue::Impl {
    Impl(QueueSocket opened, Fd table, std::uint16_t number)
        : queue(number), socket(std::move(opened)), verdicts(number, judged_at_once),
          drops(std::move(table), number) {
        packets.reserve(judged_at_once);
        decisions.reserve(judged_at_once);
    }

    std::uint16_t queue;
    QueueSocket socket;
    std::vector<QueuedPacket> packets;  // taken, and not judged yet
    std::vector<std::optional<QueueVerdict>> decisions;
    QueueVerdicts verdicts;
    KernelDrops drops;
    BusyWait busy_wait;
    std::atomic<std::uint64_t> received = 0;
    std::atomic<std::uint64_t> answered = 0;
    std::atomic<std::uint64_t> malformed = 0;
    std::uint64_t asked_ns = 0;    // when it was last looked at
    std::uint64_t settled_ns = 0;  // when it was last seen empty
    bool own = false;              // whether this host has sent a packet of this batch
    std::exception_ptr thrown;  // the first that `decide` threw in this batch

    Result<void> flush();
    Result<std::size_t> receive();
    Result<std::size_t> look_awake();
    Result<std::size_t> next(int timeout_ms, int also);
    Result<std::size_t> take_datagram(std::span<const std::uint8_t> datagram, const Decide& decide);
    Result<std::size_t> take_message(const QueueMessage& message, const Decide& decide);
    Result<void> judge(const Decide& decide);
    std::unexpected<Error> lost(const Error& error) const {
        return fail(fmt::format("packet queue {} is lost: {}", queue, error.what),
                    "restart doorwardd");
    }
};

Result<void> PacketQueue::Impl::flush() {
    if (verdicts.count() == 0) return {};
    if (auto sent = socket.send(verdicts.bytes()); !sent) return lost(sent.error());
    answered.fetch_add(verdicts.count(), std::memory_order_relaxed);
    verdicts.clear();
    return {};
}

// Packets over which `decide` fails are dropped; the exception goes on once the batch is answered.
Result<void> PacketQueue::Impl::judge(const Decide& decide) {
    if (packets.empty()) return {};
    decisions.assign(packets.size(), QueueVerdict{});
    try {
        decide(packets, decisions);
    } catch (...) {
        if (!thrown) thrown = std::current_exception();
    }
    Result<void> sent;
    for (std::size_t i = 0; i < packets.size() && sent; ++i) {
        if (!decisions[i]) continue;
        if (verdicts.full()) sent = flush();
        if (sent) add(verdicts, packets[i].id, packets[i].mark, *decisions[i]);
    }
    packets.clear();
    return sent;
}

Result<std::size_t> PacketQueue::Impl::take_message(const QueueMessage& message,
                                                    const Decide& decide) {
    switch (message.kind) {
    case QueueMessage::Kind::packet:
        received.fetch_add(1, std::memory_order_relaxed);
        own = own || !(message.packet.inbound || message.packet.forwarded);
        packets.push_back(message.packet);
        packets.back().queue = queue;
        packets.back().settled_ns = settled_ns;
        if (packets.size() == judged_at_once) {
            if (auto judged = judge(decide); !judged) return std::unexpected(judged.error());
        }
        return 1;
    case QueueMessage::Kind::unreadable:
        malformed.fetch_add(1, std::memory_order_relaxed);
        if (!message.id_known) return 0;
        if (verdicts.full()) {
            if (auto sent = flush(); !sent) return std::unexpected(sent.error());
        }
        verdicts.drop(message.packet.id);
        return 0;
    case QueueMessage::Kind::refusal:
        // ENOENT: the kernel gave the packet up before the verdict came, as it does with all it
        // holds when any table is removed or an interface goes down.
        if (message.error == 0 || message.error == ENOENT) return 0;
        return lost(sys_fail("give a verdict", message.error).error());
    case QueueMessage::Kind::other: return 0;
    }
    return 0;
}

Result<std::size_t> PacketQueue::Impl::take_datagram(std::span<const std::uint8_t> datagram,
                                                     const Decide& decide) {
    std::size_t taken_packets = 0;
    while (const auto message = next_queue_message(datagram)) {
        const auto taken = take_message(*message, decide);
        if (!taken) return std::unexpected(taken.error());
        taken_packets += *taken;
    }
    return taken_packets;
}

PacketQueue::PacketQueue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PacketQueue::PacketQueue(PacketQueue&&) noexcept = default;
PacketQueue& PacketQueue::operator=(PacketQueue&&) noexcept = default;
PacketQueue::~PacketQueue() = default;

Result<PacketQueue> PacketQueue::open(std::uint16_t queue, std::uint32_t max_packets) {
    auto socket = QueueSocket::open(queue, max_packets);
    if (!socket) return std::unexpected(socket.error());
    Fd table(::open(queue_table_path, O_RDONLY | O_CLOEXEC));
    if (!table) {
        return sys_fail(std::string("open ") + queue_table_path, errno,
                        "without it, lost packets can't be counted");
    }
    return PacketQueue(std::make_unique<Impl>(std::move(*socket), std::move(table), queue));
}

void PacketQueue::set_busy_wait(BusyWait busy_wait) { impl_->busy_wait = std::move(busy_wait); }

// By a message of its own: the serving thread may be collecting others. The kernel takes them in any order.
Result<void> PacketQueue::answer(std::uint32_t id, std::uint32_t mark, const QueueVerdict& verdict) const {
    QueueVerdicts one(impl_->queue, 1);
    add(one, id, mark, verdict);
    if (auto sent = impl_->socket.send(one.bytes()); !sent) return impl_->lost(sent.error());
    impl_->answered.fetch_add(1, std::memory_order_relaxed);
    return {};
}

Result<std::size_t> PacketQueue::Impl::receive() {
    asked_ns = monotonic_ns();
    auto datagrams = socket.receive();
    if (datagrams && *datagrams == 0) settled_ns = asked_ns;
    return datagrams;
}

Result<std::size_t> PacketQueue::Impl::look_awake() {
    constexpr int pauses = 10;  // some hundred nanoseconds, in which the processor's other thread works
    const std::uint64_t until_ns = busy_wait.until_ns(asked_ns);
    Result<std::size_t> datagrams = 0;
    while (asked_ns < until_ns && datagrams && *datagrams == 0) {
        for (int i = 0; i < pauses; ++i) pause_processor();
        datagrams = receive();
    }
    return datagrams;
}

Result<std::size_t> PacketQueue::Impl::next(int timeout_ms, int also) {
    auto datagrams = receive();
    if (datagrams && *datagrams == 0 && also < 0) datagrams = look_awake();
    if (!datagrams || *datagrams != 0) return datagrams;
    const auto ready = socket.wait(timeout_ms, also);
    if (!ready) return std::unexpected(ready.error());
    return *ready ? receive() : 0;
}

Result<std::size_t> PacketQueue::serve(int timeout_ms, const Decide& decide, int also) {
    Impl& impl = *impl_;
    const auto datagrams = impl.next(timeout_ms, also);
    if (!datagrams) return impl.lost(datagrams.error());
    if (*datagrams == 0) return 0;
    const std::uint64_t came_ns = monotonic_ns();
    impl.own = false;
    std::size_t packets = 0;
    Result<void> outcome;
    for (std::size_t i = 0; i < *datagrams; ++i) {
        const auto taken = impl.take_datagram(impl.socket.datagram(i), decide);
        if (taken) {
            packets += *taken;
        } else if (outcome) {
            outcome = std::unexpected(taken.error());
        }
    }
    if (auto judged = impl.judge(decide); !judged && outcome) outcome = judged;
    if (auto sent = impl.flush(); !sent && outcome) outcome = sent;
    impl.busy_wait.served(came_ns, monotonic_ns(), impl.own);
    // A batch that was not full took all there was.
    if (*datagrams < QueueSocket::batch) impl.settled_ns = impl.asked_ns;
    if (impl.thrown) std::rethrow_exception(std::exchange(impl.thrown, nullptr));
    if (!outcome) return std::unexpected(outcome.error());
    return packets;
}

QueueCounters PacketQueue::counters() const {
    return {impl_->received.load(std::memory_order_relaxed),
            impl_->answered.load(std::memory_order_relaxed), impl_->drops.total(),
            impl_->malformed.load(std::memory_order_relaxed)};
}

}  // namespace doorward
