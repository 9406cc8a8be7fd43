// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace doorward {

// What must be done to `before` to get `after`, as diff -u says it; empty if they are equal. Where both
// differ over some two thousand lines on end, all of these are given as changed.
std::string line_diff(std::string_view before, std::string_view after, const std::string& name);

}  // namespace doorward
