// SPDX-License-Identifier: GPL-2.0-or-later
// Where checking a result takes twenty times as long as making it, it is checked for some inputs only: most of
// the fuzzer's time is for what reads the bytes. Which ones, the bytes alone say, so that a finding comes again.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

inline bool one_of(std::size_t many, const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    return std::hash<std::string_view>{}(bytes) % many == 0;
}
