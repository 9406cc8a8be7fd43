// SPDX-License-Identifier: GPL-2.0-or-later
// From hashes to the positions of rules. Used by the index only.
//
// Open addressing in groups of eight places. A byte of each place's hash stands in the group's word of the
// filter: most of what is asked for is not there, the word says so at once, and the words of a large set
// still fit a processor's cache.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "rules/wide_memory.hpp"

namespace doorward {

class Candidates;

class IndexTable {
public:
    using Entry = std::pair<std::uint64_t, std::uint32_t>;  // a hash, the position of a rule

    IndexTable() = default;
    explicit IndexTable(const std::vector<Entry>& ascending);

    bool empty() const { return filter_.empty(); }
    std::size_t memory() const;  // bytes

    class Lookups;

private:
    static constexpr std::size_t width = 8;

    // The hash's upper half, and what stands under it.
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t list = 0;  // odd: position * 2 + 1; even: its list in lists_, times 2
    };
    struct alignas(64) Group {
        std::array<Slot, width> slots;
    };
    template <class T>
    using Wide = std::vector<T, WideAllocator<T>>;

    Slot& take_place(std::uint64_t hash);
    void put(const Entry* first, const Entry* last);

    Wide<std::uint64_t> filter_;  // for each group a byte a place; 0: nobody there. A power of two.
    Wide<Group> groups_;
    Wide<std::uint32_t> lists_;   // each: how many, then ascending positions
};

// What one flow is looked up by, in batches: in a large table each place is far from the processor, and the
// way to many at once takes no longer than to one. Errs on the side of finding too much.
class IndexTable::Lookups {
public:
    // The table must not be empty.
    Lookups(const IndexTable& table, Candidates& out) : table_(table), out_(out) {}

    void add(std::uint64_t hash) {
        __builtin_prefetch(&table_.filter_[hash & (table_.filter_.size() - 1)]);
        hashes_[count_++] = hash;
        if (count_ == hashes_.size()) look_up();
    }

    // False: there are more lists than candidates have room for.
    bool finish() {
        look_up();
        return fits_;
    }

private:
    static constexpr std::size_t batch = 32;

    struct Match {
        std::uint64_t places;  // the upper bit of each byte that may be it
        std::size_t group;
        std::uint32_t tag;
    };

    void look_up();
    void find(std::uint64_t hash);
    void take_matches();
    bool take(std::uint32_t list);

    const IndexTable& table_;
    Candidates& out_;
    std::array<std::uint64_t, batch> hashes_;
    std::array<Match, batch> matches_;
    std::size_t count_ = 0;
    std::size_t matched_ = 0;
    bool fits_ = true;
};

}  // namespace doorward
