// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_file.hpp"

#include <filesystem>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr mode_t file_mode = 0640;
constexpr mode_t folder_mode = 0750;
constexpr int name_attempts = 100;
const std::string path_remedy =
    "name a file in a folder that can be written to: `database` in doorward.yaml, or --database";

Result<void> share_with_group(int fd, const std::string& name, std::int64_t group, mode_t mode) {
    if (group >= 0 && ::fchown(fd, static_cast<uid_t>(-1), static_cast<gid_t>(group)) != 0)
        return sys_fail("give " + name + fmt::format(" to group {}", group));
    if (::fchmod(fd, mode) != 0)
        return sys_fail(fmt::format("set the mode of {} to {:o}", name, mode));
    return {};
}

Result<void> make_folder(const std::string& folder, std::int64_t group) {
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) return {};
    const std::string above = std::filesystem::path(folder).parent_path();
    if (!above.empty()) std::filesystem::create_directories(above, error);
    if (error) return sys_fail("create the folder " + above, error.value(), path_remedy);
    if (::mkdir(folder.c_str(), folder_mode) != 0)
        return sys_fail("create the folder " + folder, errno, path_remedy);
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return sys_fail("open the folder " + folder, errno, path_remedy);
    return share_with_group(fd.get(), folder, group, folder_mode);
}

// The -wal goes first: left behind beside a new database it would be taken for that one's own.
constexpr const char* parts[] = {"-wal", "-shm", ""};

bool any_exists(const std::string& base) {
    for (const char* part : parts)
        if (::access((base + part).c_str(), F_OK) == 0) return true;
    return false;
}

}  // namespace

Result<void> prepare_audit_file(const std::string& path, std::int64_t group) {
    const std::string folder = std::filesystem::path(path).parent_path();
    if (!folder.empty())
        if (auto made = make_folder(folder, group); !made) return made;
    const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, file_mode));
    if (!fd) return sys_fail("open the audit log " + path, errno, path_remedy);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return sys_fail("examine the audit log " + path);
    if (!S_ISREG(status.st_mode))
        return fail("the audit log " + path + " is no regular file", path_remedy);
    return share_with_group(fd.get(), path, group, file_mode);
}

Result<std::string> set_aside_audit_file(const std::string& path, std::string_view why,
                                         std::time_t now) {
    const std::string wanted = fmt::format("{}.{}-{:%Y%m%dT%H%M%SZ}", path, why, fmt::gmtime(now));
    std::string base = wanted;
    for (int n = 2; any_exists(base) && n < name_attempts; ++n)
        base = fmt::format("{}-{}", wanted, n);
    if (any_exists(base)) return fail("cannot set " + path + " aside: " + wanted + " exists");
    for (const char* part : parts) {
        if (::rename((path + part).c_str(), (base + part).c_str()) == 0) continue;
        if (errno != ENOENT) return sys_fail("rename " + path + part + " to " + base + part);
    }
    return base;
}

bool has_leftovers(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || status.st_size != 0) return false;
    return ::access((path + "-wal").c_str(), F_OK) == 0 ||
           ::access((path + "-shm").c_str(), F_OK) == 0;
}

FileIdentity identity_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino};
}

}  // namespace doorward
