// SPDX-License-Identifier: GPL-2.0-or-later
// One character of UTF-8 at a time, with every byte string accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace doorward {

struct Utf8Char {
    char32_t code = 0;       // the byte itself if it is not valid
    std::size_t length = 1;  // bytes it takes
    bool valid = false;
};

// The character that `text` (not empty) starts with. Overlong forms, surrogates and codes above
// U+10FFFF are not valid, as the Unicode standard has it: each of their bytes is one on its own.
inline Utf8Char first_char(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {lead, 1, false};
    char32_t code = lead & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {lead, 1, false};
        code = code << 6 | (byte(i) & 0x3fu);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff) return {lead, 1, false};
    return {code, length, true};
}

}  // namespace doorward
