// SPDX-License-Identifier: GPL-2.0-or-later
// Where cgroup v2 is mounted: not always at /sys/fs/cgroup (hybrid layouts).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace doorward {

// Pure: finds the first mount of type cgroup2 in the text of /proc/self/mountinfo.
std::optional<std::string> find_cgroup2(std::string_view mountinfo);

// Reads /proc/self/mountinfo.
std::optional<std::string> cgroup2_mount();

}  // namespace doorward
