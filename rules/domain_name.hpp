// SPDX-License-Identifier: GPL-2.0-or-later
// Host names as DNS answers, /etc/hosts and rules have them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace doorward {

// In lower case and without the dot that may end it. Nothing if it is no host name: one or more
// labels of 1 to 63 letters, digits, '-' and '_', at most 253 bytes. Names in other scripts come in
// their xn-- form only. Never longer than `text`.
std::optional<std::string> normal_host_name(std::string_view text);

// The same without allocating: the name is written to `room`.
constexpr std::size_t longest_host_name = 253;
std::optional<std::string_view> normal_host_name(std::string_view text,
                                                 std::span<char, longest_host_name> room);

// Calls `take(key)` with the keys under which a pattern can match `name`, a normal host name: the
// name itself and, beginning with their dots, the domains it is below of. "a.b.org": "a.b.org",
// ".b.org", ".org". Stops when `take` returns true, and says whether it did. Allocates nothing.
template <class Take>
bool any_domain_key(std::string_view name, const Take& take) {
    if (take(name)) return true;
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
        if (take(name.substr(dot))) return true;
    return false;
}

// The key of a pattern of a rule: "example.org" → itself; "*.example.org" → ".example.org".
inline std::string_view domain_key(std::string_view pattern) {
    return pattern.starts_with('*') ? pattern.substr(1) : pattern;
}

}  // namespace doorward
