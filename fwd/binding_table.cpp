// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/binding_table.hpp"

#include <algorithm>

#include <bpf/bpf.h>

namespace doorward {

std::uint32_t binding_sets(std::uint32_t bindings) {
    return bindings / DW_BINDING_WAYS + (bindings % DW_BINDING_WAYS != 0);
}

bool find_in_set(const dw_binding_set& set, dw_u64 hash, std::span<const dw_flow_key> keys,
                 std::span<std::optional<dw_binding>> found) {
    bool whole = true;
    for (std::size_t k = 0; k < keys.size(); ++k) {
        dw_u64 newest = 0;
        for (std::size_t way = 0; way < DW_BINDING_WAYS; ++way) {
            const dw_u64 tag = set.tag[way];
            const dw_binding_slot& slot = set.slot[way];
            if (tag == DW_TAG_BUSY) whole = false;
            if (!dw_tag_may_be(tag, hash) || tag < newest) continue;
            if (slot.tag != tag) {
                whole = false;
            } else if (slot.key == keys[k]) {
                newest = tag;
                found[k] = slot.binding;
            }
        }
    }
    return whole;
}

// An entry may stay unfinished as long as its writer has lost the processor; the flow's one before it is there.
void find_bindings(const BindingTable& table, std::span<const dw_flow_key> keys,
                   std::span<std::optional<dw_binding>> found) {
    if (keys.empty()) return;
    const dw_u64 hash = dw_flow_hash(keys.data(), &table.keys);
    const dw_u32 index = dw_set_index(hash, table.sets);
    constexpr int tries = 4;
    for (int i = 0; i < tries; ++i) {
        dw_binding_set set;
        if (bpf_map_lookup_elem(table.map, &index, &set) != 0) return;
        std::ranges::fill(found, std::nullopt);
        if (find_in_set(set, hash, keys, found)) return;
    }
}

}  // namespace doorward
