// SPDX-License-Identifier: GPL-2.0-or-later
// A key for sets of names, which rules/ can't make.
#pragma once

#include <sys/random.h>

#include "fwd/handle.hpp"
#include "rules/label_hash.hpp"

namespace doorward {

inline Result<HashKey> random_hash_key() {
    HashKey key;
    if (::getrandom(&key, sizeof key, 0) != static_cast<ssize_t>(sizeof key))
        return sys_fail("get random bytes");
    return key;
}

}  // namespace doorward
