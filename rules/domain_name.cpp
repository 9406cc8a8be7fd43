// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/domain_name.hpp"

#include <array>

namespace doorward {

std::optional<std::string_view> normal_host_name(std::string_view text,
                                                 std::span<char, longest_host_name> room) {
    constexpr std::size_t longest_label = 63;
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > room.size()) return std::nullopt;
    std::size_t label = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        room[i] = c;
        if (c == '.') {
            if (label == 0) return std::nullopt;
            label = 0;
            continue;
        }
        const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!fits || ++label > longest_label) return std::nullopt;
    }
    if (label == 0) return std::nullopt;
    return std::string_view(room.data(), text.size());
}

std::optional<std::string> normal_host_name(std::string_view text) {
    std::array<char, longest_host_name> room;
    const auto name = normal_host_name(text, room);
    if (!name) return std::nullopt;
    return std::string(*name);
}

}  // namespace doorward
