// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as the path of a cgroup.
#include <cstdint>
#include <string_view>

#include "require.hpp"
#include "rules/control_group.hpp"

using namespace doorward;

namespace {

// What a user's manager made is marked, and comes after what the system's made.
void check(const std::vector<std::string>& names, bool below_user_manager) {
    bool of_user = false;
    for (const auto& name : names) {
        require(!name.empty() && name.find('/') == std::string::npos);
        require(name.find('\0') == std::string::npos && name.find('\n') == std::string::npos);
        of_user = of_user || name.starts_with(user_prefix);
        require(name.starts_with(user_prefix) == of_user);
    }
    require(!of_user || below_user_manager);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view path(reinterpret_cast<const char*>(data), size);
    const auto group = parse_control_group(path);
    require(group.units.size() <= 2);
    const bool user = path.find("user@") != std::string_view::npos;
    check(group.slices, user);
    check(group.units, user);
    require(group.container.empty() || group.container.find(':') != std::string::npos);
    // More below the same cgroup changes no unit that has been found.
    const auto below = parse_control_group(std::string(path) + "/ssh.service");
    if (group.units.size() == 2) require(below.units == group.units);
    return 0;
}
