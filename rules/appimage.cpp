// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/appimage.hpp"

namespace doorward {

bool is_of_appimage(std::string_view first, std::string_view mount) {
    constexpr std::string_view start = ".mount_", end = "/AppRun";
    if (!mount.starts_with(start) || mount.size() == start.size() || !first.ends_with(end))
        return false;
    first.remove_suffix(end.size());
    return first.substr(first.rfind('/') + 1) == mount;  // npos + 1 is 0
}

}  // namespace doorward
