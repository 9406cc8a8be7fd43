// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a program is part of the AppImage that its process was started from.
#pragma once

#include <string_view>

namespace doorward {

// An AppImage's runtime mounts the file that it is part of on a new folder, called ".mount_" and some
// letters, half of them random, and becomes by exec the program "AppRun" there.
//
// `first`: what the AppImage called exec for, as it gave the name; `mount`: the name of the folder on
// which the filesystem with the program in question is mounted. Both are empty if not known.
bool is_of_appimage(std::string_view first, std::string_view mount);

}  // namespace doorward
