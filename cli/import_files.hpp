// SPDX-License-Identifier: GPL-2.0-or-later
// Other firewalls' files, which anybody may have written: bounded, and no symbolic links or FIFOs.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/imported.hpp"

namespace doorward {

struct ImportLimits {
    std::size_t files = 10'000;
    std::size_t file_bytes = std::size_t{1} << 20;
    std::size_t total_bytes = std::size_t{256} << 20;
};

struct FolderFiles {
    std::vector<ImportFile> files;   // in byte order of the names
    std::vector<Finding> unreadable; // left out, one for each
};

// The files of a folder whose names `wanted` takes. An error: the folder can't be read, or exceeds a
// limit. `skip_folders`: folders in it are none of its files, and not worth a word.
Result<FolderFiles> read_import_folder(const std::string& folder,
                                       const std::function<bool(std::string_view name)>& wanted,
                                       const ImportLimits& limits, bool skip_folders = false);

// One file; not being there is neither.
void read_import_file(const std::string& path, const ImportLimits& limits, std::vector<ImportFile>& files,
                      std::vector<Finding>& unreadable);

// Users, links, and lists as the daemon would take them.
ImportEnvironment import_environment();

}  // namespace doorward
