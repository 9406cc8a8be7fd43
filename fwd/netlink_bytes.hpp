// SPDX-License-Identifier: GPL-2.0-or-later
// Reading netlink messages as bytes: nothing is read beyond their end, whatever they say of themselves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace doorward {

using Bytes = std::span<const std::uint8_t>;

// Messages and attributes begin at multiples of four bytes.
constexpr std::size_t netlink_aligned(std::size_t length) { return (length + 3) & ~std::size_t{3}; }

// Copied out, so that nothing depends on how the bytes lie in memory.
template <class T>
std::optional<T> read_as(Bytes bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// Nothing, where there are fewer.
inline Bytes after(Bytes bytes, std::size_t length) {
    return bytes.subspan(std::min(bytes.size(), length));
}

}  // namespace doorward
