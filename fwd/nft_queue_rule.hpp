// SPDX-License-Identifier: GPL-2.0-or-later
// Rules with expressions of xtables: the NFQUEUE target, for kernels that have no nft_queue, and the
// BPF match. libnftables can't write such rules, so they are built here with libmnl.
#pragma once

#include <cstdint>
#include <span>

#include "fwd/mnl_socket.hpp"
#include "rules/result.hpp"

namespace doorward {

// Owns a netlink socket in the network namespace of the thread that opened it.
class NftQueueRule {
public:
    static Result<NftQueueRule> open();

    // Does this kernel have the target? Asked by a transaction that leaves nothing behind.
    Result<void> probe();

    // Makes it the content of the chains for undecided packets in `inet doorward`, one for each of so many queues from
    // the first on (nft_undecided_chain()): one transaction.
    Result<void> put(std::uint16_t first, std::uint16_t queues, bool bypass);

    // Puts "`target`, if the BPF program says 1" in front of a chain in `inet doorward`. An empty
    // target returns from the chain; any other is a chain to jump to. In the order of the list, all
    // in one transaction.
    struct Question {
        const char* chain;
        int program_fd;
        const char* target;
    };
    Result<void> put_questions(std::span<const Question> questions);

private:
    explicit NftQueueRule(MnlSocket socket) : socket_(std::move(socket)) {}

    MnlSocket socket_;
};

}  // namespace doorward
