// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_files.hpp"

#include <algorithm>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include "fwd/list_files.hpp"
#include "fwd/read_file.hpp"
#include "fwd/real_paths.hpp"

namespace doorward {
namespace {

using Folder = CHandle<DIR, closedir>;

Result<void> check_trust(const struct stat& info, const std::string& path, Trust trust) {
    if (trust == Trust::anybody) return {};
    if (info.st_uid != 0)
        return fail(
            fmt::format("{} belongs to uid {}, who could change the rules", path, info.st_uid),
            "chown root " + path);
    if (info.st_mode & S_IWOTH)
        return fail(path + " can be written by everybody", "chmod o-w " + path);
    if ((info.st_mode & S_IWGRP) && info.st_gid != 0)
        return fail(fmt::format("{} can be written by group {}", path, info.st_gid),
                    "chmod g-w " + path);
    return {};
}

// `folder` may be AT_FDCWD. O_NONBLOCK: opening a FIFO must not wait for a writer.
Result<RuleFile> read_at(int folder, const std::string& name, const std::string& path, Trust trust,
                         std::size_t max_bytes) {
    const Fd fd(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ELOOP)
        return fail(path + " is a symbolic link", "put the file itself there");
    if (!fd) return sys_fail("open " + path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return sys_fail("look at " + path);
    if (!S_ISREG(info.st_mode)) return fail(path + " is no regular file", "remove or rename it");
    if (auto trusted = check_trust(info, path, trust); !trusted)
        return std::unexpected(trusted.error());
    auto text = read_up_to(fd, path, static_cast<std::size_t>(info.st_size), max_bytes + 1);
    if (!text) return std::unexpected(text.error());
    if (text->size() > max_bytes)
        return fail(fmt::format("{} is longer than {} bytes", path, max_bytes),
                    "split it into several files");
    return RuleFile{path, std::move(*text), info.st_mode & 07777u, info.st_uid, info.st_gid};
}

Result<std::vector<std::string>> rule_file_names(DIR* folder, const std::string& path,
                                                 std::size_t max_files) {
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(folder);
        if (!entry && errno != 0) return sys_fail("read the folder " + path);
        if (!entry) break;
        if (!is_rule_file_name(entry->d_name)) continue;
        names.emplace_back(entry->d_name);
        if (names.size() > max_files)
            return fail(fmt::format("{} has more than {} rule files", path, max_files),
                        "join some of them");
    }
    std::ranges::sort(names);
    return names;
}

Result<Folder> open_folder(const std::string& path, Trust trust) {
    Folder folder(::opendir(path.c_str()));
    if (!folder)
        return sys_fail("open the rule folder " + path, errno,
                        errno == ENOENT ? "create it: mkdir -m 755 " + path : std::string{});
    struct stat info{};
    if (::fstat(::dirfd(folder.get()), &info) != 0) return sys_fail("look at " + path);
    if (auto trusted = check_trust(info, path, trust); !trusted)
        return std::unexpected(trusted.error());
    return folder;
}

// `get` is getpwnam_r or getgrnam_r; the entry points into the buffer.
template <class Entry>
std::optional<Entry> look_up(std::string_view name, auto get, std::vector<char>& buffer) {
    const std::string terminated(name);
    buffer.resize(16384);
    for (;;) {
        Entry entry{};
        Entry* found = nullptr;
        const int error = get(terminated.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == 0 && found) return entry;
        if (error != ERANGE || buffer.size() >= (1u << 20)) return std::nullopt;
        buffer.resize(buffer.size() * 2);
    }
}

std::optional<std::uint32_t> find_user(std::string_view name) {
    std::vector<char> buffer;
    const auto entry = look_up<passwd>(name, ::getpwnam_r, buffer);
    return entry ? std::optional(entry->pw_uid) : std::nullopt;
}

std::optional<std::uint32_t> find_group_id(std::string_view name) {
    std::vector<char> buffer;
    const auto entry = look_up<group>(name, ::getgrnam_r, buffer);
    return entry ? std::optional(entry->gr_gid) : std::nullopt;
}

}  // namespace

bool is_rule_file_name(std::string_view name) {
    return !name.starts_with('.') && name.ends_with(".yaml") && !name.contains('/') &&
           !name.contains('\0');
}

Result<RuleFile> read_rule_file(const std::string& path, Trust trust, std::size_t max_bytes) {
    return read_at(AT_FDCWD, path, path, trust, max_bytes);
}

Result<std::vector<RuleFile>> read_rule_files(const std::string& folder, Trust trust,
                                              const RuleFileLimits& limits) {
    const auto opened = open_folder(folder, trust);
    if (!opened) return std::unexpected(opened.error());
    const auto names = rule_file_names(opened->get(), folder, limits.files);
    if (!names) return std::unexpected(names.error());
    std::vector<RuleFile> files;
    std::size_t left = limits.total_bytes;
    for (const std::string& name : *names) {
        auto file = read_at(::dirfd(opened->get()), name, folder + "/" + name, trust,
                            std::min(limits.file_bytes, left));
        if (!file) return std::unexpected(file.error());
        left -= file->text.size();
        files.push_back(std::move(*file));
    }
    return files;
}

Environment system_environment(Trust trust) {
    const auto lists = std::make_shared<ListFiles>(trust);
    return system_environment(lists);
}

Environment system_environment(const std::shared_ptr<ListFiles>& lists) {
    return {find_user, [](const std::string& path) { return RealPaths().of(path); }, find_group_id,
            [lists](const std::string& path, SetKind kind) { return lists->read(path, kind); }, [] {
                return [paths = std::make_shared<RealPaths>()](const std::string& path) {
                    return paths->of(path);
                };
            }};
}

}  // namespace doorward
