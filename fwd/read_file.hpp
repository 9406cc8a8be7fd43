// SPDX-License-Identifier: GPL-2.0-or-later
// Reading an open file to its end.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "fwd/handle.hpp"

namespace doorward {

// At most `most` bytes; what comes behind them is left out. `expected` is how much there may be, to
// make room for. `path` is for the error.
inline Result<std::string> read_up_to(const Fd& file, const std::string& path, std::size_t expected,
                                      std::size_t most) {
    std::string text;
    text.reserve(std::min(expected, most));
    std::array<char, 65536> buffer;
    while (text.size() < most) {
        const ssize_t got =
            ::read(file.get(), buffer.data(), std::min(buffer.size(), most - text.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys_fail("read " + path);
        if (got == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace doorward
