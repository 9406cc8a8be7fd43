// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_text.hpp"

#include <iterator>

#include <fmt/format.h>

#include "fwd/utf8.hpp"

namespace doorward {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool starts_with_escape(std::string_view text) {
    return text.size() >= 4 && text[0] == '\\' && text[1] == 'x' && hex_digit(text[2]) >= 0 &&
           hex_digit(text[3]) >= 0;
}

bool stays(std::string_view rest, const Utf8Char& character) {
    const char32_t code = character.code;
    if (!character.valid || code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
    return code != '\\' || !starts_with_escape(rest);
}

}  // namespace

bool is_plain_text(std::string_view bytes) {
    while (!bytes.empty()) {
        const Utf8Char character = first_char(bytes);
        if (!stays(bytes, character)) return false;
        bytes.remove_prefix(character.length);
    }
    return true;
}

std::string escape_text(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const Utf8Char character = first_char(bytes);
        const std::string_view own = bytes.substr(0, character.length);
        if (stays(bytes, character)) text += own;
        else
            for (const char byte : own)
                fmt::format_to(std::back_inserter(text), "\\x{:02x}",
                               static_cast<unsigned char>(byte));
        bytes.remove_prefix(character.length);
    }
    return text;
}

std::string unescape_text(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    while (!text.empty()) {
        const bool escape = starts_with_escape(text);
        bytes += escape ? static_cast<char>(hex_digit(text[2]) * 16 + hex_digit(text[3])) : text[0];
        text.remove_prefix(escape ? 4 : 1);
    }
    return bytes;
}

}  // namespace doorward
