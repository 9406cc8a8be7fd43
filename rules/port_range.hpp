// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace doorward {

struct PortRange {
    std::uint16_t first = 0;  // both inclusive, host byte order
    std::uint16_t last = 0;

    auto operator<=>(const PortRange&) const = default;
    std::string to_string() const;  // "443", "8000-8080"
};

}  // namespace doorward
