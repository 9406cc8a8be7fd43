// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/content.hpp"

namespace doorward {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::optional<unsigned> digit_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

}  // namespace

std::string to_hex(const Sha256& digest) {
    std::string text;
    text.reserve(2 * digest.size());
    for (const std::uint8_t byte : digest) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::optional<Sha256> parse_sha256_hex(std::string_view text) {
    Sha256 digest{};
    if (text.size() != 2 * digest.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto value = digit_value(text[i]);
        if (!value) return std::nullopt;
        digest[i / 2] = static_cast<std::uint8_t>(digest[i / 2] << 4 | *value);
    }
    return digest;
}

ExecutableContent ExecutableContent::nothing(Facts asked, NoContent why) {
    ExecutableContent content;
    content.asked = asked;
    content.missing = why;
    return content;
}

std::string_view no_content_name(NoContent reason) {
    switch (reason) {
        case NoContent::none: return "none";
        case NoContent::gone: return "gone";
        case NoContent::replaced: return "replaced";
        case NoContent::unreadable: return "unreadable";
        case NoContent::remote: return "remote";
        case NoContent::changed: return "changed";
        case NoContent::too_large: return "too-large";
        case NoContent::timed_out: return "timed-out";
        case NoContent::too_many: return "too-many";
    }
    return "none";
}

std::optional<NoContent> parse_no_content(std::string_view text) {
    for (std::size_t i = 0; i < no_content_reasons; ++i)
        if (text == no_content_name(static_cast<NoContent>(i))) return static_cast<NoContent>(i);
    return std::nullopt;
}

}  // namespace doorward
