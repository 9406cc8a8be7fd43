// SPDX-License-Identifier: GPL-2.0-or-later
// Our one table, `inet doorward`: what is queued, what passes, what is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fwd/marks.hpp"
#include "rules/result.hpp"

namespace doorward {

enum class QueueKind : std::uint8_t {
    nft,      // nft's own `queue` statement
    xtables,  // the NFQUEUE target through nft_compat, for kernels without nft_queue
};

constexpr std::string_view queue_kind_name(QueueKind kind) { return kind == QueueKind::nft ? "nft" : "xtables"; }

// BPF socket filters (bpf/sender.h, grants.h, verdicts.h, dns.h), asked by rules about a packet. Negative: it is not loaded.
struct TablePrograms {
    int same_sender = -1;  // 1: the connection's packet is sent by the one who sent on this flow before
    int granted = -1;      // 1: the datagram's sender was accepted on this flow
    int slot_bit[3] = {-1, -1, -1};  // of the number of its sender's slot
    int still_owner = -1;  // 0: the connection has gone to another socket since the packet was sent
    // 1: the verdict on it is known, and is to accept it (denied: to deny it). Counts it as given.
    int known_connection = -1;
    int known_datagram = -1;
    int denied_datagram = -1;
    int still_known = -1;  // as still_owner, for a flow that was accepted so
    int dns_query = -1;    // copies a packet from or to port 53; always 0
    int dns_answer = -1;
};

struct NftLayout {
    static constexpr std::uint16_t most_queues = 8;

    std::uint16_t queue = 0;   // the first, which also gets what has no ports
    std::uint16_t queues = 1;  // a power of two, at most most_queues: of consecutive numbers
    Marks marks{0x7f000000};
    // Packets of flows carrying it in the conntrack mark pass. marks.none_yet(): none yet, all flows are asked
    // about and none is marked; so put the table in, clear old conntrack marks, then set it.
    std::uint32_t generation_mark = 0;
    bool bypass = false;                // true: packets pass while no daemon reads the queue
    bool filter_loopback = false;       // false: traffic over `lo` passes, counted
    bool asks_source = false;           // the table looks addresses up (nft_fib); install() finds out
    bool filter_forward = false;        // false: packets that pass through this host are left alone
    TablePrograms programs{};
};

// Packets by the way they took, since the table was put in.
struct NftCounters {
    std::uint64_t decided = 0;    // by the conntrack mark
    std::uint64_t known = 0;      // accepted by a verdict that the kernel gave again
    std::uint64_t loopback = 0;
    std::uint64_t neighbour = 0;  // the kernel's IPv6 neighbour discovery: no link works without
    std::uint64_t answers = 0;    // our own refusals, on their way to whom they are for
    std::uint64_t queued = 0;    // to the daemon; not all need have reached it
    std::uint64_t rejected = 0;
};

// Owns the table in the network namespace of the calling thread. Each change is one netfilter
// transaction (three at install, closed in between unless `bypass`); no other
// table is touched. One object per namespace: the end of any takes the table out. Not thread-safe.
class NftTable {
public:
    // Puts the table in; one left over by a killed daemon is replaced without an open moment.
    static Result<NftTable> install(const NftLayout& layout);

    NftTable(NftTable&&) noexcept;
    NftTable& operator=(NftTable&&) noexcept;
    ~NftTable();  // takes the table out

    Result<void> set_generation(std::uint32_t generation_mark);
    Result<void> set_bypass(bool bypass);
    // Puts the whole table in again, whatever has become of it, with no generation yet: as install() does.
    Result<void> put_again();
    // A transaction that makes and removes a table of another name: the kernel tells of it, and by whom.
    Result<void> touch_other(const std::string& name) const;
    Result<NftCounters> counters() const;
    QueueKind queue_kind() const;
    // Whether packets carry their sender's slot and a flow's verdict ends with its sender. False:
    // the kernel can't ask the programs (no xt_bpf).
    bool knows_senders() const;
    // Whether loopback passes only from addresses of this host, and what comes in for a group is marked so.
    // False: the kernel can't tell (no nft_fib).
    bool asks_source() const;
    Result<void> remove();  // takes the table out now and says if that failed
    void leave();           // lets go of the table and leaves it in

private:
    struct Impl;
    explicit NftTable(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
