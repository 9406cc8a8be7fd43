// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/injections.hpp"

#include <algorithm>
#include <utility>

namespace doorward {
namespace {

constexpr std::pair<std::string_view, Injection> words[] = {
    {"preload", Injection::preload},
    {"library-path", Injection::library_path},
    {"tracer", Injection::tracer},
    {"filter", Injection::filter},
};

}  // namespace

std::optional<std::uint8_t> parse_injection(std::string_view text) {
    if (text == "any") return Injections::any;
    for (const auto& [word, injection] : words)
        if (text == word) return static_cast<std::uint8_t>(injection);
    return std::nullopt;
}

std::string to_text(const Injections& injections) {
    std::string text;
    for (const auto& [word, injection] : words) {
        const auto bit = static_cast<std::uint8_t>(injection);
        if (!((injections.found | injections.unknown) & bit)) continue;
        if (!text.empty()) text += ',';
        text += word;
        if (!(injections.found & bit)) text += '?';
    }
    return text;
}

std::optional<Injections> parse_injections(std::string_view text) {
    Injections read;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool known = !word.ends_with('?');
        if (!known) word.remove_suffix(1);
        const auto bits = parse_injection(word);
        if (!bits || *bits == Injections::any) return std::nullopt;
        (known ? read.found : read.unknown) |= *bits;
    }
    return read;
}

}  // namespace doorward
