// SPDX-License-Identifier: GPL-2.0-or-later
// Our one table, `inet doorward`: what is queued, what passes, what is refused.
#pragma once

#include <cstdint>
#include <memory>

#include "fwd/marks.hpp"
#include "rules/result.hpp"

namespace doorward {

enum class QueueKind : std::uint8_t {
    nft,      // nft's own `queue` statement
    xtables,  // the NFQUEUE target through nft_compat, for kernels without nft_queue
};

struct NftLayout {
    std::uint16_t queue = 0;
    Marks marks{0x7f000000};
    std::uint32_t generation_mark = 0;  // packets of flows carrying it in the conntrack mark pass
    bool bypass = false;                // true: packets pass while no daemon reads the queue
    bool filter_loopback = false;       // false: traffic over `lo` passes, counted
};

// Packets that passed without a trip to the daemon since the table was put in.
struct NftCounters {
    std::uint64_t decided = 0;    // by the conntrack mark
    std::uint64_t loopback = 0;
    std::uint64_t neighbour = 0;  // IPv6 neighbour discovery, which the link needs to work
    std::uint64_t queued = 0;
    std::uint64_t rejected = 0;
};

// Owns the table in the network namespace of the calling thread. Each change is one netfilter
// transaction; no other table is touched. Not thread-safe.
class NftTable {
public:
    // Puts the table in; one left over by a killed daemon is replaced without an open moment.
    static Result<NftTable> install(const NftLayout& layout);

    NftTable(NftTable&&) noexcept;
    NftTable& operator=(NftTable&&) noexcept;
    ~NftTable();  // takes the table out

    Result<void> set_generation(std::uint32_t generation_mark);
    Result<void> set_bypass(bool bypass);
    Result<NftCounters> counters() const;
    QueueKind queue_kind() const;
    Result<void> remove();  // takes the table out now and says if that failed

private:
    struct Impl;
    explicit NftTable(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
