// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/cgroup_mount.hpp"

#include <fstream>
#include <sstream>

namespace doorward {

std::optional<std::string> find_cgroup2(std::string_view mountinfo) {
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        // "36 35 0:31 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw": the mount point is
        // field 5, the type comes after a dash behind a varying number of optional fields.
        if (line.find(" - cgroup2 ") == std::string::npos) continue;
        std::istringstream fields(line);
        std::string id, parent, device, mounted, point;
        if (fields >> id >> parent >> device >> mounted >> point) return point;
    }
    return std::nullopt;
}

std::optional<std::string> cgroup2_mount() {
    std::ifstream file("/proc/self/mountinfo");
    std::ostringstream text;
    text << file.rdbuf();
    return find_cgroup2(text.str());
}

}  // namespace doorward
