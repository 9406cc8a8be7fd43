// SPDX-License-Identifier: GPL-2.0-or-later
// For the few tests that become another user.
#pragma once

#include <string>

#include <catch2/catch.hpp>
#include <unistd.h>

namespace doorward {

// True, and said so in the output, where the rest of a test can't run.
inline bool lacks_root(const std::string& purpose) {
    if (::getuid() == 0) return false;
    WARN("skipped: needs root " << purpose);
    return true;
}

}  // namespace doorward
