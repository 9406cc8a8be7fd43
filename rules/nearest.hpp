// SPDX-License-Identifier: GPL-2.0-or-later
// "Did you mean …?"
#pragma once

#include <span>
#include <string_view>

namespace doorward {

// The candidate that `word` is most likely a slip for: the same but for case, one mistyped,
// left out, added or swapped letter in three, or the beginning of it. Empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace doorward
