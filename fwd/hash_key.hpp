// SPDX-License-Identifier: GPL-2.0-or-later
// A key for sets of names, which rules/ can't make.
#pragma once

#include "fwd/random_bytes.hpp"
#include "rules/label_hash.hpp"

namespace doorward {

inline Result<HashKey> random_hash_key() {
    HashKey key;
    if (auto taken = take_random(key); !taken) return std::unexpected(taken.error());
    return key;
}

}  // namespace doorward
