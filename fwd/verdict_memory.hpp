// SPDX-License-Identifier: GPL-2.0-or-later
// The memory of verdicts that daemon and kernel share: maps `verdicts` and `verdict_slots` of bpf/verdicts.h.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "bpf/wire.h"
#include "rules/result.hpp"

namespace doorward {

// Owns the mapping. Tests make one of plain memory.
class VerdictMemory {
public:
    using Put = std::function<bool(const dw_verdict_key&, std::uint32_t slot)>;
    using Remove = std::function<void(const dw_verdict_key&)>;

    VerdictMemory() = default;  // none
    // `slots` and `state` must outlive it.
    VerdictMemory(std::span<dw_verdict_slot> slots, dw_verdict_state& state, Put put, Remove remove);
    // Maps `capacity` slots. `state` as the loaded object has it.
    static Result<VerdictMemory> of_maps(int verdicts_fd, int slots_fd, std::size_t capacity,
                                         dw_verdict_state& state);

    VerdictMemory(VerdictMemory&& other) noexcept;
    VerdictMemory& operator=(VerdictMemory&& other) noexcept;
    ~VerdictMemory();

    std::size_t capacity() const { return slots_.size(); }
    dw_verdict_slot& slot(std::uint32_t number) { return slots_[number]; }
    dw_verdict_state* state() { return state_; }  // null: there is none
    bool put(const dw_verdict_key& key, std::uint32_t slot) const { return put_(key, slot); }
    void remove(const dw_verdict_key& key) const { remove_(key); }

private:
    std::span<dw_verdict_slot> slots_;
    dw_verdict_state* state_ = nullptr;
    Put put_;
    Remove remove_;
    std::size_t mapped_ = 0;  // bytes that are ours to unmap
};

}  // namespace doorward
