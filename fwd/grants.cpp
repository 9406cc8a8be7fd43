// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/grants.hpp"

#include <bpf/bpf.h>

namespace doorward {

Grants::Put Grants::of_map(int grants_fd) {
    return [grants_fd](const dw_grant& grant, std::uint64_t generation) {
        const dw_granted value{.generation = generation, .bound_ns = 0};
        return bpf_map_update_elem(grants_fd, &grant, &value, BPF_ANY) == 0;
    };
}

void Grants::begin(std::uint64_t generation) {
    std::atomic_ref(state_.generation).store(generation, std::memory_order_seq_cst);
}

void Grants::give(const dw_grant& grant, std::uint64_t generation) {
    if (!put_(grant, generation)) refused_++;
}

}  // namespace doorward
