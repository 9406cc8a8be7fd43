// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/verdict_memory.hpp"

#include <utility>

#include <bpf/bpf.h>
#include <sys/mman.h>

#include "fwd/handle.hpp"

namespace doorward {

VerdictMemory::VerdictMemory(std::span<dw_verdict_slot> slots, dw_verdict_state& state, Put put,
                             Remove remove)
    : slots_(slots), state_(&state), put_(std::move(put)), remove_(std::move(remove)) {}

Result<VerdictMemory> VerdictMemory::of_maps(int verdicts_fd, int slots_fd, std::size_t capacity,
                                             dw_verdict_state& state) {
    const std::size_t bytes = capacity * sizeof(dw_verdict_slot);
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, slots_fd, 0);
    if (mapped == MAP_FAILED) return sys_fail("map the table of verdicts");
    VerdictMemory memory(
        {static_cast<dw_verdict_slot*>(mapped), capacity}, state,
        [verdicts_fd](const dw_verdict_key& key, std::uint32_t slot) {
            return bpf_map_update_elem(verdicts_fd, &key, &slot, BPF_ANY) == 0;
        },
        [verdicts_fd](const dw_verdict_key& key) { bpf_map_delete_elem(verdicts_fd, &key); });
    memory.mapped_ = bytes;
    return memory;
}

VerdictMemory::VerdictMemory(VerdictMemory&& other) noexcept { *this = std::move(other); }

VerdictMemory& VerdictMemory::operator=(VerdictMemory&& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(state_, other.state_);
    std::swap(put_, other.put_);
    std::swap(remove_, other.remove_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

VerdictMemory::~VerdictMemory() {
    if (mapped_ != 0) ::munmap(slots_.data(), mapped_);
}

}  // namespace doorward
