// SPDX-License-Identifier: GPL-2.0-or-later
// How Doorward uses its reserved bits of the packet and conntrack marks. Pure arithmetic.
//
// Marks are shared with VPNs, Kubernetes, tc and others: only the bits under the configured mask are
// read or written, all others are kept. Within the mask:
//   conntrack mark   0 undecided, reject() refused, else the generation of the ruleset that
//                    accepted the flow
//   packet mark, towards the daemon    reply() if the packet goes against its flow's direction,
//                    else the generation that the table holds now: compare ours(mark) as a whole,
//                    never single bits
//   packet mark, from the daemon       reject(), or the generation under which it was accepted
//
// The packet carries the generation already on its way to the daemon because the kernel routes a
// packet anew if its mark comes back changed, and would then find nothing for a neighbour's exact
// match (`ip rule fwmark 0x5`). An accepted packet thus comes back as it went.
#pragma once

#include <bit>
#include <cstdint>

namespace doorward {

class Marks {
public:
    // `mask`: one run of at least three bits. Use valid() before.
    explicit Marks(std::uint32_t mask) : mask_(mask), shift_(std::countr_zero(mask)) {}

    static bool valid(std::uint32_t mask) {
        const std::uint32_t run = mask == 0 ? 0 : mask >> std::countr_zero(mask);
        return std::popcount(mask) >= 3 && (run & (run + 1)) == 0;
    }

    std::uint32_t mask() const { return mask_; }
    std::uint32_t reject() const { return 1u << shift_; }
    std::uint32_t reply() const { return 2u << shift_; }
    // Generations repeat after generations() of them; the caller clears old marks before reuse.
    std::uint32_t generations() const { return (mask_ >> shift_) - 2; }
    std::uint32_t generation(std::uint64_t number) const {
        return static_cast<std::uint32_t>(3 + number % generations()) << shift_;
    }
    std::uint32_t ours(std::uint32_t mark) const { return mark & mask_; }
    std::uint32_t merge(std::uint32_t mark, std::uint32_t value) const {
        return (mark & ~mask_) | value;
    }

private:
    std::uint32_t mask_;
    int shift_;
};

}  // namespace doorward
