// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel tells of changes of nftables, read as bytes: which transactions touched one table.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace doorward {

// One transaction that touched the table.
struct TableCommit {
    bool removed = false;     // and left it removed
    std::uint32_t thread = 0; // that made it, by the number in the first PID namespace; 0: not told
    std::string program;      // the thread's name, 15 bytes at most

    bool operator==(const TableCommit&) const = default;
};

// Reads the datagrams of the group NFNLGRP_NFTABLES in their order. A transaction's changes come first,
// then who made it.
class TableNews {
public:
    using Sink = std::function<void(const TableCommit&)>;

    explicit TableNews(std::string table) : table_(std::move(table)) {}  // of the family inet

    void take(std::span<const std::uint8_t> datagram, const Sink& sink);

private:
    void take_message(std::uint16_t type, std::span<const std::uint8_t> body, const Sink& sink);

    std::string table_;
    std::optional<TableCommit> open_;  // touched by the transaction whose end has not been told yet
};

}  // namespace doorward
