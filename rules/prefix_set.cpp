// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/prefix_set.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace doorward {
namespace {

using Range4 = PrefixSet::Range4;
using Range6 = PrefixSet::Range6;
using Number6 = PrefixSet::Number6;

constexpr std::uint8_t mapped_bits = 96;

Number6 number6(const Address& address) {
    return {address.high(), address.low()};
}

// The lowest `bits` of a word, at most all of them.
std::uint64_t low_bits(unsigned bits) {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

// The number after this one; nothing after the last.
std::optional<std::uint32_t> next(std::uint32_t number) {
    if (number == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return number + 1;
}

std::optional<Number6> next(const Number6& number) {
    const std::uint64_t low = number.low + 1;
    const std::uint64_t high = number.high + (low == 0 ? 1 : 0);
    if (low == 0 && high == 0) return std::nullopt;
    return Number6{high, low};
}

// Ascending, joined where they overlap or touch, without room to grow.
template <class Range>
std::vector<Range> joined(std::vector<Range>& ranges) {
    std::ranges::sort(ranges);
    std::size_t kept = 0;
    for (const Range& range : ranges) {
        if (kept > 0) {
            auto& last = ranges[kept - 1].last;
            const auto after = next(last);
            if (!after || range.first <= *after) {
                last = std::max(last, range.last);
                continue;
            }
        }
        ranges[kept++] = range;
    }
    std::vector<Range> out(ranges.begin(), ranges.begin() + static_cast<std::ptrdiff_t>(kept));
    ranges = {};
    return out;
}

template <class Range, class Number>
bool holds(const std::vector<Range>& ranges, const Number& number) {
    const auto after = std::ranges::upper_bound(ranges, number, {}, &Range::first);
    return after != ranges.begin() && number <= std::prev(after)->last;
}

}  // namespace

bool PrefixSet::contains(const Address& address) const {
    if (address.is_v4()) return holds(v4_, address.v4_number());
    return holds(v6_, number6(address));
}

std::size_t PrefixSet::memory() const {
    return sizeof *this + v4_.capacity() * sizeof(Range4) + v6_.capacity() * sizeof(Range6);
}

bool PrefixSetBuilder::add(const Prefix& prefix) {
    if (size() >= most_ || prefix.length > 128) return false;
    const unsigned host_bits = 128u - prefix.length;
    if (prefix.base.is_v4() && prefix.length >= mapped_bits) {
        const auto host = static_cast<std::uint32_t>(low_bits(host_bits));
        const std::uint32_t base = prefix.base.v4_number();
        v4_.push_back({base & ~host, base | host});
        return true;
    }
    // Of a short prefix this covers also what stands for IPv4 addresses; contains() asks v6_ about
    // none of those.
    const Number6 base = number6(prefix.base);
    const std::uint64_t low = low_bits(host_bits), high = low_bits(host_bits > 64 ? host_bits - 64 : 0);
    v6_.push_back({{base.high & ~high, base.low & ~low}, {base.high | high, base.low | low}});
    return true;
}

bool PrefixSetBuilder::add(const Address& first, const Address& last) {
    if (size() >= most_ || first.is_v4() != last.is_v4() || last < first) return false;
    if (first.is_v4()) v4_.push_back({first.v4_number(), last.v4_number()});
    else v6_.push_back({number6(first), number6(last)});
    return true;
}

PrefixSet PrefixSetBuilder::finish() && {
    PrefixSet set;
    set.v4_ = joined(v4_);
    set.v6_ = joined(v6_);
    return set;
}

}  // namespace doorward
