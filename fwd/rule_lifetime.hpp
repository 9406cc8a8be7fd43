// SPDX-License-Identifier: GPL-2.0-or-later
// How long a rule lasts that was added by command. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace doorward {

struct Lifetime {
    enum class Until : std::uint8_t {
        removed,  // it is written to a file
        restart,  // this and the next are only in the daemon's memory
        exit,
    };
    Until until = Until::removed;
    std::uint32_t pid = 0;  // of `exit`: as the daemon counts, in its PID namespace
    // When that process started, as field 22 of /proc/PID/stat has it, so that another one with its
    // number is not taken for it; none: whoever has the number.
    std::optional<std::uint64_t> started{};

    bool temporary() const { return until != Until::removed; }
};

// "until restart", "until PID 123 ends"; of a rule in a file: "until removed".
std::string lifetime_text(const Lifetime& lifetime);

}  // namespace doorward
