// SPDX-License-Identifier: GPL-2.0-or-later
// What must hold of every input: if it doesn't, the fuzzer keeps the input.
#pragma once

#include <cstdlib>

inline void require(bool condition) {
    if (!condition) std::abort();
}
