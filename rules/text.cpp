// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/text.hpp"

#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

namespace doorward {
namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t size = 0;  // in bytes; 0: not valid UTF-8
};

std::size_t sequence_size(std::uint8_t lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. `text` is not empty.
CodePoint decode(std::string_view text) {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const std::size_t size = sequence_size(lead);
    if (size == 0 || size > text.size()) return {};
    if (size == 1) return {lead, 1};
    char32_t value = lead & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if ((byte & 0xc0) != 0x80) return {};
        value = value << 6 | (byte & 0x3fu);
    }
    const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (overlong || surrogate || value > 0x10ffff) return {};
    return {value, size};
}

bool is_control(char32_t c) {
    return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c <= 0x9f);
}

// Line and paragraph separators, and the embeddings, overrides and isolates of right-to-left text.
bool changes_layout(char32_t c) {
    return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

std::string describe(const CodePoint& c, std::uint8_t byte) {
    if (c.size == 0) return fmt::format("a byte that is not UTF-8 (0x{:02x})", byte);
    const auto number = static_cast<std::uint32_t>(c.value);
    if (c.value == 0) return "a NUL character";
    if (c.value == '\r') return "a carriage return without a line feed";
    if (is_control(c.value)) return fmt::format("a control character (U+{:04X})", number);
    return fmt::format("an invisible character that changes the layout (U+{:04X})", number);
}

bool acceptable(const CodePoint& c, std::string_view rest, bool at_start) {
    if (c.size == 0) return false;
    if (c.value == '\r') return rest.size() > 1 && rest[1] == '\n';
    if (c.value == 0xfeff) return at_start;
    return !is_control(c.value) && !changes_layout(c.value);
}

}  // namespace

std::optional<BadCharacter> find_bad_character(std::string_view text) {
    int line = 1;
    std::size_t line_start = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const CodePoint c = decode(rest);
        if (!acceptable(c, rest, at == 0))
            return BadCharacter{describe(c, static_cast<std::uint8_t>(rest[0])), line,
                                static_cast<int>(at - line_start) + 1};
        at += c.size;
        if (c.value == '\n') {
            ++line;
            line_start = at;
        }
    }
    return std::nullopt;
}

}  // namespace doorward
