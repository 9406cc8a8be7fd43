// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/index_table.hpp"

#include <algorithm>
#include <bit>

#include "rules/rule_index.hpp"

namespace doorward {

namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t lower_bits = 0x7f * ones;

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
std::uint64_t filter_of(std::uint64_t hash) { return hash >> 56 | 1; }

// The upper bit of each byte that is zero.
std::uint64_t zero_bytes(std::uint64_t word) {
    return ~(((word & lower_bits) + lower_bits) | word | lower_bits);
}

std::size_t first_place(std::uint64_t places) {
    return static_cast<std::size_t>(std::countr_zero(places)) / 8;
}

}  // namespace

IndexTable::IndexTable(const std::vector<Entry>& ascending) {
    std::size_t distinct = 0;
    for (std::size_t i = 0; i < ascending.size(); ++i)
        distinct += i == 0 || ascending[i].first != ascending[i - 1].first;
    const std::size_t groups = std::bit_ceil(distinct * 3 / 2 / width + 1);
    filter_.resize(groups);
    groups_.resize(groups);
    lists_.push_back(0);  // so that no list is number 0
    for (std::size_t i = 0; i < ascending.size();) {
        std::size_t end = i;
        while (end < ascending.size() && ascending[end].first == ascending[i].first) ++end;
        put(&ascending[i], ascending.data() + end);
        i = end;
    }
    lists_.shrink_to_fit();
}

IndexTable::Slot& IndexTable::take_place(std::uint64_t hash) {
    const std::size_t mask = filter_.size() - 1;
    std::size_t at = hash & mask;
    while (zero_bytes(filter_[at]) == 0) at = (at + 1) & mask;
    const std::size_t place = first_place(zero_bytes(filter_[at]));
    filter_[at] |= filter_of(hash) << (place * 8);
    return groups_[at].slots[place];
}

void IndexTable::put(const Entry* first, const Entry* last) {
    Slot& slot = take_place(first->first);
    slot.tag = tag_of(first->first);
    if (last - first == 1) {
        slot.list = first->second * 2 + 1;
        return;
    }
    slot.list = static_cast<std::uint32_t>(lists_.size()) * 2;
    lists_.push_back(0);
    const std::size_t begin = lists_.size();
    for (; first < last; ++first)
        if (lists_.size() == begin || lists_.back() != first->second) lists_.push_back(first->second);
    lists_[begin - 1] = static_cast<std::uint32_t>(lists_.size() - begin);
}

std::size_t IndexTable::memory() const {
    return filter_.capacity() * sizeof(std::uint64_t) + groups_.capacity() * sizeof(Group) +
           lists_.capacity() * sizeof(std::uint32_t);
}

void IndexTable::Lookups::look_up() {
    for (std::size_t i = 0; i < count_; ++i) find(hashes_[i]);
    count_ = 0;
    take_matches();
}

void IndexTable::Lookups::find(std::uint64_t hash) {
    const std::size_t mask = table_.filter_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const std::uint64_t word = table_.filter_[at];
        if (const std::uint64_t places = zero_bytes(word ^ filter_of(hash) * ones)) {
            __builtin_prefetch(&table_.groups_[at]);
            if (matched_ == matches_.size()) take_matches();
            matches_[matched_++] = {places, at, tag_of(hash)};
        }
        if (zero_bytes(word) != 0) return;
    }
}

// Another hash with the same tag that stands near is taken for it, too.
void IndexTable::Lookups::take_matches() {
    for (std::size_t i = 0; i < matched_; ++i) {
        const Match& match = matches_[i];
        for (std::uint64_t places = match.places; places != 0; places &= places - 1) {
            const Slot& slot = table_.groups_[match.group].slots[first_place(places)];
            if (slot.tag == match.tag) fits_ = fits_ && take(slot.list);
        }
    }
    matched_ = 0;
}

bool IndexTable::Lookups::take(std::uint32_t list) {
    if (list & 1) return out_.add(list / 2);
    const std::uint32_t* const size = table_.lists_.data() + list / 2;
    return out_.add(size + 1, size + 1 + *size);
}

}  // namespace doorward
