// SPDX-License-Identifier: GPL-2.0-or-later
// How Doorward uses its reserved bits of the packet and conntrack marks. Pure arithmetic.
//
// Marks are shared with VPNs, Kubernetes, tc and others: only the bits under the configured mask are
// read or written, all others are kept. Of the mask the three lowest bits are a sender's slot
// (bpf/sender.h), the others count generations:
//   conntrack mark   0 undecided, reject() refused, else the generation of the ruleset that
//                    accepted the flow
//   packet mark, towards the daemon    reply() if the packet goes against its flow's direction,
//                    else the generation that the table holds now (or none_yet()); and the slot of
//                    the packet's sender, or all bits of one if a packet that comes in goes to a group
//   packet mark, from the daemon       reject(), or the generation under which it was accepted, and
//                    the slot as it was
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
    // `mask`: one run of at least min_bits bits. Use valid() before.
    explicit Marks(std::uint32_t mask) : mask_(mask), shift_(std::countr_zero(mask)) {}

    static constexpr int min_bits = 6;
    static constexpr std::uint32_t to_group = 7;  // instead of a slot, of a packet that comes in

    static bool valid(std::uint32_t mask) {
        const std::uint32_t run = mask == 0 ? 0 : mask >> std::countr_zero(mask);
        return std::popcount(mask) >= min_bits && (run & (run + 1)) == 0;
    }

    std::uint32_t mask() const { return mask_; }
    std::uint32_t reject() const { return 1u << shift_; }
    std::uint32_t reply() const { return 2u << slot_bits << shift_; }
    bool is_reply(std::uint32_t mark) const { return (mark & generation_mask()) == reply(); }
    // Instead of a generation before the first: no flow ever carries it.
    std::uint32_t none_yet() const { return 1u << slot_bits << shift_; }
    // Generations repeat after generations() of them; the caller clears old marks before reuse.
    std::uint32_t generations() const { return (mask_ >> shift_ >> slot_bits) - 2; }
    std::uint32_t generation(std::uint64_t number) const {
        return static_cast<std::uint32_t>(3 + number % generations()) << slot_bits << shift_;
    }

    // A bit of a slot's number, 0 to 7.
    std::uint32_t slot_bit(int bit) const { return 1u << bit << shift_; }
    std::uint32_t slot_shift() const { return static_cast<std::uint32_t>(shift_); }
    std::uint32_t slot_mask() const { return to_group << shift_; }
    std::uint32_t generation_mask() const { return mask_ & ~slot_mask(); }
    // The slot that the mark of an outgoing packet names; 0 if it names none.
    std::uint32_t slot(std::uint32_t mark) const {
        return (mark & generation_mask()) == 0 ? 0 : (mark & slot_mask()) >> shift_;
    }

    std::uint32_t ours(std::uint32_t mark) const { return mark & mask_; }
    std::uint32_t merge(std::uint32_t mark, std::uint32_t value) const {
        return (mark & ~mask_) | value;
    }
    // The mark of a packet that is accepted under `generation`: other bits and slot as they were.
    std::uint32_t accept(std::uint32_t mark, std::uint32_t generation) const {
        return merge(mark, generation | slot(mark) << shift_);
    }

private:
    static constexpr int slot_bits = 3;

    std::uint32_t mask_;
    int shift_;
};

}  // namespace doorward
