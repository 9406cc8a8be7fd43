// SPDX-License-Identifier: GPL-2.0-or-later
// Verdicts that the kernel gives again by itself (bpf/verdicts.h): which they are, and how often it did.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "bpf/wire.h"
#include "fwd/decided.hpp"
#include "fwd/lru.hpp"
#include "fwd/verdict_memory.hpp"

namespace doorward {

// Since the start, but for `entries`.
struct VerdictCounters {
    std::uint64_t entries = 0;
    std::uint64_t capacity = 0;   // 0: there is no cache
    std::uint64_t given = 0;      // by the kernel, as far as collected
    std::uint64_t displaced = 0;  // entries that had to make room
    std::uint64_t no_room = 0;    // decisions that could have been kept, and were not
};

// The verdict on a decision as the kernel may give it again; none if it depends on more than the key
// holds (`depends_on`), or if the daemon must see each. Pure.
std::optional<dw_verdict_key> verdict_key(const Decided& decided, Inputs depends_on);

// One entry stands for one key. It is used by one thread at a time but for what says otherwise.
class VerdictCache {
public:
    using Sink = std::function<void(Decided&&)>;

    // Without memory (capacity 0) it keeps nothing.
    explicit VerdictCache(VerdictMemory memory);

    // Any thread. Between the two nothing is given: while rules change, what counts is neither the old
    // generation nor the new one.
    void suspend();
    void resume(std::uint64_t generation);

    // `generation`: of the rules that made the decision. `now_ns`: CLOCK_MONOTONIC, as below.
    void remember(const Decided& decided, Inputs depends_on, std::uint64_t generation, std::uint64_t now_ns,
                  const Sink& sink);

    bool due(std::uint64_t now_ns) const { return now_ns >= collect_at_ns_; }
    // Gives one Decided for each entry that was used since the last time, with how often, and drops
    // entries of former generations. `time_us`: since the epoch. To be called when due(), or at the end:
    // a while after the last call the kernel gives no verdict any more.
    void collect(std::uint64_t now_ns, std::int64_t time_us, const Sink& sink);

    VerdictCounters counters() const;  // any thread

    static constexpr std::uint64_t interval_ns = 1'000'000'000;
    static constexpr std::uint64_t alive_ns = 5'000'000'000;  // without collect(), the kernel goes on so long

private:
    struct Entry {
        dw_verdict_key key{};
        std::uint32_t slot = 0;
        std::uint64_t collected = 0;    // of the slot's count
        std::uint64_t used_ns = 0;      // when it was last seen to be used
        std::uint64_t retired_ns = 0;   // 0: it is in use
        Decided decided;
        bool by_others = false;
    };
    struct HashKey {
        std::size_t operator()(const dw_verdict_key& key) const;
    };
    struct SameKey {
        bool operator()(const dw_verdict_key& a, const dw_verdict_key& b) const;
    };

    Entry* take_entry();
    // `by_others`: the slot may still be counted in for another process.
    void fill(Entry& entry, const Decided& decided, std::uint64_t state, bool by_others, std::uint64_t now_ns);
    void count_denials(const Entry& entry, int by);
    void report(Entry& entry, std::int64_t time_us, const Sink& sink);
    void retire(Entry& entry, std::uint64_t now_ns);
    void make_room(std::uint64_t now_ns);

    VerdictMemory memory_;
    std::deque<Entry> entries_;  // by slot
    std::vector<std::uint32_t> free_;
    std::unordered_map<dw_verdict_key, std::uint32_t, HashKey, SameKey> index_;
    std::uint64_t collect_at_ns_ = 0;
    std::uint64_t denials_ = 0;  // entries that deny, retired ones too
    std::atomic<std::uint64_t> generation_ = 0;
    std::atomic<std::uint64_t> live_ = 0, given_ = 0, displaced_ = 0, no_room_ = 0;
};

}  // namespace doorward
