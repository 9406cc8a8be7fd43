// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/import_files.hpp"

#include <algorithm>

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/handle.hpp"
#include "fwd/list_files.hpp"
#include "fwd/rule_files.hpp"

namespace doorward {
namespace {

using Folder = CHandle<DIR, closedir>;

bool is_folder(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<std::vector<std::string>> names_in(const std::string& path,
                                          const std::function<bool(std::string_view)>& wanted,
                                          std::size_t most) {
    const Folder folder(::opendir(path.c_str()));
    if (!folder) return sys_fail("open the folder " + path, errno, "give the folder with the files");
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(folder.get());
        if (!entry && errno != 0) return sys_fail("read the folder " + path);
        if (!entry) break;
        const std::string_view name = entry->d_name;
        if (name == "." || name == ".." || !wanted(name)) continue;
        names.emplace_back(name);
        if (names.size() > most)
            return fail(fmt::format("{} has more than {} such files", path, most), "import a part of them");
    }
    std::ranges::sort(names);
    return names;
}

Finding unreadable(const std::string& path, const Error& error) {
    return {Finding::Kind::left_out, true, {path, 0, 0}, "", "", error.what, error.remedy};
}

bool is_list(std::string_view name) { return !name.starts_with('.') && name.find('.') != name.npos; }

Result<std::vector<ImportFile>> read_lists(const std::string& folder) {
    const ImportLimits limits{.files = 1000, .file_bytes = ListFiles::largest};
    auto read = read_import_folder(folder, is_list, limits, true);
    if (!read) return std::unexpected(read.error());
    if (read->unreadable.empty()) return std::move(read->files);
    return fail(read->unreadable.front().reason, read->unreadable.front().remedy);
}

}  // namespace

Result<FolderFiles> read_import_folder(const std::string& folder,
                                       const std::function<bool(std::string_view name)>& wanted,
                                       const ImportLimits& limits, bool skip_folders) {
    const auto names = names_in(folder, wanted, limits.files);
    if (!names) return std::unexpected(names.error());
    FolderFiles out;
    std::size_t left = limits.total_bytes;
    for (const std::string& name : *names) {
        const std::string path = folder + (folder.ends_with('/') ? "" : "/") + name;
        if (skip_folders && is_folder(path)) continue;
        auto file = read_rule_file(path, Trust::anybody, limits.file_bytes);
        if (!file) {
            out.unreadable.push_back(unreadable(path, file.error()));
            continue;
        }
        if (file->text.size() > left)
            return fail(fmt::format("the files of {} are larger than {} bytes", folder, limits.total_bytes),
                        "import a part of them");
        left -= file->text.size();
        out.files.push_back({path, std::move(file->text)});
    }
    return out;
}

void read_import_file(const std::string& path, const ImportLimits& limits, std::vector<ImportFile>& files,
                      std::vector<Finding>& unreadable_files) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 && errno == ENOENT) return;
    auto file = read_rule_file(path, Trust::anybody, limits.file_bytes);
    if (file) files.push_back({path, std::move(file->text)});
    else unreadable_files.push_back(unreadable(path, file.error()));
}

ImportEnvironment import_environment() {
    const auto lists = std::make_shared<ListFiles>(Trust::root);
    const Environment system = system_environment();
    return {system.user_id, system.resolve_path, read_lists,
            [lists](const std::string& path, SetKind kind) -> Result<void> {
                if (auto values = lists->read(path, kind); !values) return std::unexpected(values.error());
                return {};
            }};
}

}  // namespace doorward
