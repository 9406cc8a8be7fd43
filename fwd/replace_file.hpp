// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a file so that whoever opens it sees the old text or the new, whole, also after a crash.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "rules/result.hpp"

namespace doorward {

struct FileOwnership {
    mode_t mode = 0644;
    uid_t owner = 0;
    gid_t group = 0;
};

// `name` within `folder`, which must exist. What is left behind by a crash begins with a dot.
Result<void> replace_file(const std::string& folder, const std::string& name, std::string_view text,
                          const FileOwnership& ownership);

// Makes renames and removals in a folder last. Fails silently: they have happened, and reach the disk
// with the next sync at the latest.
void sync_folder(const std::string& folder);

}  // namespace doorward
