// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's table of bindings (bpf/binding_set.h), as the daemon reads it.
#pragma once

#include <optional>
#include <span>

#include "bpf/binding_set.h"

namespace doorward {

// Of the loaded object, which must outlive it.
struct BindingTable {
    int map;
    std::uint32_t sets;
    dw_hash_keys keys;  // secret, see there
};

// How many sets hold so many bindings.
std::uint32_t binding_sets(std::uint32_t bindings);

// Fills in the latest binding of each of the keys, all of which are of one hash: of one remote end, one protocol and
// the same ports. False: an entry that may be one of theirs was being written while the set was copied.
bool find_in_set(const dw_binding_set& set, dw_u64 hash, std::span<const dw_flow_key> keys,
                 std::span<std::optional<dw_binding>> found);

// The same from the kernel, in one system call unless the set is written at that moment. Thread-safe.
void find_bindings(const BindingTable& table, std::span<const dw_flow_key> keys,
                   std::span<std::optional<dw_binding>> found);

}  // namespace doorward
