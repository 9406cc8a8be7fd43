// SPDX-License-Identifier: GPL-2.0-or-later
// The netlink socket of one packet queue, with room to take in many messages at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "fwd/handle.hpp"
#include "fwd/mnl_socket.hpp"
#include "rules/result.hpp"

namespace doorward {

class QueueSocket {
public:
    // Binds the queue, or says who has it.
    static Result<QueueSocket> open(std::uint16_t queue, std::uint32_t max_packets);

    // True if there is something to receive before `timeout_ms` are over; signals don't cut it. A
    // second descriptor, if one is given, ends the waiting too.
    Result<bool> wait(int timeout_ms, int also = -1) const;

    // Takes what has arrived, without waiting. Returns how many datagrams, to be had by datagram().
    Result<std::size_t> receive();
    std::span<const std::uint8_t> datagram(std::size_t index) const;

    Result<void> send(std::span<const char> messages) const;

    static constexpr std::size_t batch = 32;

private:
    explicit QueueSocket(MnlSocket socket);
    Result<void> bind_queue(std::uint16_t queue, std::uint32_t max_packets);
    int configure(std::uint16_t queue, std::uint32_t max_packets, bool gso);
    int await_answer(std::uint16_t queue);
    int fd() const { return mnl_socket_get_fd(socket_.get()); }

    MnlSocket socket_;
    std::unique_ptr<std::uint8_t[]> buffer_;
    std::vector<sockaddr_nl> senders_;
    std::vector<iovec> pieces_;
    std::vector<mmsghdr> headers_;
};

// The kernel's table of packet queues in this thread's network namespace.
inline constexpr const char* queue_table_path = "/proc/thread-self/net/netfilter/nfnetlink_queue";

// What the kernel's table says of one queue. Pure.
struct QueueTableRow {
    std::uint32_t reader = 0;        // netlink port of the reader, mostly its pid
    std::uint32_t queue_dropped = 0; // the queue was full
    std::uint32_t reader_dropped = 0; // the reader's socket was full

    bool operator==(const QueueTableRow&) const = default;
};
std::optional<QueueTableRow> find_queue_row(std::string_view table, std::uint16_t queue);

// The whole of a file of /proc, from its beginning.
Result<std::string> read_again(const Fd& file);

}  // namespace doorward
