// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/queue_socket.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>

#include "fwd/queue_message.hpp"
#include "fwd/queue_verdicts.hpp"

namespace doorward {
namespace {

// The largest packet that the kernel copies, and what else a message holds: headers, mark,
// interfaces, and room for attributes to come. A message that doesn't fit is lost for its packet.
constexpr std::size_t copy_range = 0xffff;
constexpr std::size_t slot_size = copy_range + 1 + 8192;

constexpr int answer_timeout_ms = 10'000;  // the kernel may have to load a module first

// Room for a full queue of small packets; large ones share their data with the packet itself.
int receive_bytes(std::uint32_t max_packets) {
    constexpr std::uint64_t per_packet = 2048;
    return static_cast<int>(std::clamp<std::uint64_t>(max_packets * per_packet, 8u << 20,
                                                      256u << 20));
}

Result<void> prepare(mnl_socket* socket, std::uint32_t max_packets) {
    const int fd = mnl_socket_get_fd(socket);
    const int bytes = receive_bytes(max_packets);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) {
        return sys_fail("enlarge the packet queue's receive buffer", errno,
                        "doorward needs CAP_NET_ADMIN");
    }
    // A full buffer then costs the packets that don't fit, which the kernel drops and counts; the
    // socket itself stays usable.
    int on = 1;
    if (mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof on) < 0) {
        return sys_fail("set NETLINK_NO_ENOBUFS");
    }
    return {};
}

std::unexpected<Error> bind_failure(std::uint16_t queue, int error) {
    const std::string bind = fmt::format("bind packet queue {}", queue);
    if (error == EPERM || error == EBUSY) {
        const Fd file(open(queue_table_path, O_RDONLY | O_CLOEXEC));
        const auto table = file ? read_again(file) : Result<std::string>("");
        const auto row = find_queue_row(table.value_or(""), queue);
        if (row) {
            return fail(fmt::format("packet queue {} is read by another process already (netlink "
                                    "port {}, mostly its pid)", queue, row->reader),
                        "stop that process, or set another `queue`");
        }
        return sys_fail(bind, error, "doorward needs CAP_NET_ADMIN in its network namespace");
    }
    return sys_fail(bind, error, "the kernel needs the module nfnetlink_queue");
}

}  // namespace

QueueSocket::QueueSocket(MnlSocket socket)
    : socket_(std::move(socket)),
      buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(batch * slot_size)),
      senders_(batch), pieces_(batch), headers_(batch) {
    for (std::size_t i = 0; i < batch; ++i) {
        pieces_[i] = {buffer_.get() + i * slot_size, slot_size};
        headers_[i].msg_hdr.msg_iov = &pieces_[i];
        headers_[i].msg_hdr.msg_iovlen = 1;
        headers_[i].msg_hdr.msg_name = &senders_[i];
    }
}

Result<QueueSocket> QueueSocket::open(std::uint16_t queue, std::uint32_t max_packets) {
    auto handle = open_netfilter_socket();
    if (!handle) return std::unexpected(handle.error());
    if (auto done = prepare(handle->get(), max_packets); !done) {
        return std::unexpected(done.error());
    }
    QueueSocket socket(std::move(*handle));
    if (auto bound = socket.bind_queue(queue, max_packets); !bound) {
        return std::unexpected(bound.error());
    }
    return socket;
}

Result<void> QueueSocket::bind_queue(std::uint16_t queue, std::uint32_t max_packets) {
    int error = configure(queue, max_packets, true);
    // Flags that a kernel doesn't know are refused before anything else is done. Without this one
    // the kernel cuts large sends into packets itself: slower, not wrong.
    if (error == EOPNOTSUPP) error = configure(queue, max_packets, false);
    if (error != 0) return bind_failure(queue, error);
    return {};
}

// Everything in one message, so that no packet comes in between under half the settings.
int QueueSocket::configure(std::uint16_t queue, std::uint32_t max_packets, bool gso) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, queue);
    message->nlmsg_flags |= NLM_F_ACK;
    nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
    nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, copy_range);
    nfq_nlmsg_cfg_put_qmaxlen(message, max_packets);
    if (gso) {
        mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
        mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
    }
    if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return errno;
    return await_answer(queue);
}

// Returns the kernel's errno. Where undecided packets were queued before (a table left by a killed
// daemon), some can be in front of the answer: they are dropped, and their senders try again.
int QueueSocket::await_answer(std::uint16_t queue) {
    QueueVerdicts drops(queue, 1);
    for (;;) {
        const auto ready = wait(answer_timeout_ms);
        if (!ready) return EIO;
        if (!*ready) return ETIMEDOUT;
        const ssize_t got = recv(fd(), buffer_.get(), slot_size, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return errno;
        std::span<const std::uint8_t> rest(buffer_.get(), static_cast<std::size_t>(got));
        while (const auto message = next_queue_message(rest)) {
            if (message->kind == QueueMessage::Kind::refusal) return message->error;
            if (!message->id_known) continue;
            drops.drop(message->packet.id);
            if (!send(drops.bytes())) return EIO;
            drops.clear();
        }
    }
}

Result<bool> QueueSocket::wait(int timeout_ms, int also) const {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
    for (int left = timeout_ms;;) {
        std::array<pollfd, 2> waiting{pollfd{fd(), POLLIN, 0}, pollfd{also, POLLIN, 0}};
        const int ready = poll(waiting.data(), waiting.size(), left);
        if (ready >= 0) return waiting[0].revents != 0;
        if (errno != EINTR) return sys_fail("wait for packets");
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        left = timeout_ms < 0 ? -1 : static_cast<int>(std::max<std::int64_t>(rest.count(), 0));
    }
}

Result<std::size_t> QueueSocket::receive() {
    for (mmsghdr& header : headers_) header.msg_hdr.msg_namelen = sizeof(sockaddr_nl);
    const int got = recvmmsg(fd(), headers_.data(), batch, MSG_DONTWAIT, nullptr);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) return 0;
    return sys_fail("receive packets");
}

std::span<const std::uint8_t> QueueSocket::datagram(std::size_t index) const {
    // Only the kernel (port 0) may speak here; another process' message reads as empty.
    if (senders_[index].nl_pid != 0) return {};
    return {static_cast<const std::uint8_t*>(pieces_[index].iov_base), headers_[index].msg_len};
}

Result<void> QueueSocket::send(std::span<const char> messages) const {
    constexpr int attempts = 100;  // short of memory or interrupted: neither lasts
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (mnl_socket_sendto(socket_.get(), messages.data(), messages.size()) >= 0) return {};
        if (errno != EINTR && errno != ENOBUFS && errno != ENOMEM && errno != EAGAIN) break;
    }
    return sys_fail("send verdicts");
}

std::optional<QueueTableRow> find_queue_row(std::string_view table, std::uint16_t queue) {
    std::istringstream lines{std::string(table)};
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream columns(line);
        std::uint32_t number = 0;
        std::uint32_t skipped = 0;
        QueueTableRow row;
        columns >> number >> row.reader >> skipped >> skipped >> skipped >> row.queue_dropped >>
            row.reader_dropped;
        if (columns && number == queue) return row;
    }
    return std::nullopt;
}

Result<std::string> read_again(const Fd& file) {
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
        const ssize_t got = pread(file.get(), part.data(), part.size(),
                                  static_cast<off_t>(text.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys_fail(std::string("read ") + queue_table_path);
        if (got == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace doorward
