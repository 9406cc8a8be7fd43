// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/domain_name.hpp"

namespace doorward {

std::optional<std::string> normal_host_name(std::string_view text) {
    constexpr std::size_t longest = 253, longest_label = 63;
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > longest) return std::nullopt;
    std::string name(text);
    std::size_t label = 0;
    for (char& c : name) {
        if (c == '.') {
            if (label == 0) return std::nullopt;
            label = 0;
            continue;
        }
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!fits || ++label > longest_label) return std::nullopt;
    }
    if (label == 0) return std::nullopt;
    return name;
}

}  // namespace doorward
