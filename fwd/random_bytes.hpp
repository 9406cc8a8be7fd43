// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <type_traits>

#include <sys/random.h>

#include "fwd/handle.hpp"

namespace doorward {

// Fills it with bytes of the kernel's generator.
template <class Bytes>
Result<void> take_random(Bytes& bytes) {
    static_assert(std::is_trivially_copyable_v<Bytes>);
    if (::getrandom(&bytes, sizeof(bytes), 0) != static_cast<ssize_t>(sizeof(bytes)))
        return sys_fail("get random bytes");
    return {};
}

}  // namespace doorward
