// SPDX-License-Identifier: GPL-2.0-or-later
// Many prefixes and ranges of addresses of both families, immutable and exact.
//
//   PrefixSetBuilder builder;
//   builder.add(*Prefix::parse("203.0.113.0/24"));
//   const PrefixSet set = std::move(builder).finish();
//   set.contains(address);                            // any thread, any number of them
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "rules/address.hpp"

namespace doorward {

// Kept as ranges that neither overlap nor touch, IPv4 in eight bytes and IPv6 in 32 each.
class PrefixSet {
public:
    // Host byte order, so that numbers compare as addresses do. Both ends belong to the range.
    struct Range4 {
        std::uint32_t first = 0, last = 0;
        auto operator<=>(const Range4&) const = default;
    };
    struct Number6 {
        std::uint64_t high = 0, low = 0;
        auto operator<=>(const Number6&) const = default;
    };
    struct Range6 {
        Number6 first, last;
        auto operator<=>(const Range6&) const = default;
    };

    PrefixSet() = default;  // empty

    // True if one of the prefixes contains the address, as Prefix::contains says: those in IPv6
    // notation that are shorter than ::ffff:0:0/96 hold no IPv4 address. Allocates nothing; time
    // grows with the logarithm of the number of ranges.
    bool contains(const Address& address) const;

    bool empty() const { return v4_.empty() && v6_.empty(); }
    const std::vector<Range4>& v4() const { return v4_; }  // ascending
    const std::vector<Range6>& v6() const { return v6_; }
    // Bytes, all of it.
    std::size_t memory() const;

private:
    friend class PrefixSetBuilder;
    std::vector<Range4> v4_;
    std::vector<Range6> v6_;
};

// Collects prefixes and ranges. Not thread-safe.
class PrefixSetBuilder {
public:
    static constexpr std::size_t default_most = std::size_t{1} << 23;

    // `most`: how many may be added, before those that overlap are joined.
    explicit PrefixSetBuilder(std::size_t most = default_most) : most_(most) {}

    // False if there is no room for it; the caller counts that.
    bool add(const Prefix& prefix);
    // False also if the two are of different families, or `last` comes before `first`.
    bool add(const Address& first, const Address& last);

    std::size_t size() const { return v4_.size() + v6_.size(); }

    PrefixSet finish() &&;

private:
    std::size_t most_;
    std::vector<PrefixSet::Range4> v4_;
    std::vector<PrefixSet::Range6> v6_;
};

}  // namespace doorward
