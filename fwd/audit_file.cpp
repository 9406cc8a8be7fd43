// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_file.hpp"

#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

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
        return sys_fail("give " + name + fmt::format(" to group {}", group), errno,
                        "name the group in the unit: SupplementaryGroups=, as in doorward.yaml: read_group");
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

// The end of the name of a database that was set aside: when, and which one of that second.
using SetAside = std::pair<std::string, int>;

std::optional<SetAside> parse_set_aside(std::string_view text) {
    constexpr std::string_view form = "00000000T000000Z";
    if (text.size() < form.size()) return std::nullopt;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '0' ? !digit : text[i] != form[i]) return std::nullopt;
    }
    SetAside which{text.substr(0, form.size()), 1};
    text.remove_prefix(form.size());
    if (text.empty()) return which;
    const auto [stop, error] = std::from_chars(text.data() + 1, text.data() + text.size(), which.second);
    const bool good = text.front() == '-' && error == std::errc{} && stop == text.data() + text.size() && which.second > 1;
    return good ? std::optional(which) : std::nullopt;
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

Result<std::size_t> remove_set_aside(const std::string& path, std::string_view why, std::size_t keep,
                                     const std::string& newest) {
    const std::filesystem::path file(path);
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    const std::string start = fmt::format("{}.{}-", file.filename().string(), why);
    // By time and number, not by name: -10 is younger than -2. The newest is so whatever the clock says.
    std::map<SetAside, std::string> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (!name.starts_with(start)) continue;
        std::string rest = name.substr(start.size());
        for (const std::string_view part : {"-wal", "-shm"})
            if (rest.ends_with(part)) rest.resize(rest.size() - part.size());
        const auto which = parse_set_aside(rest);
        const std::string base = (file.parent_path() / (start + rest)).string();
        if (which && base != newest) found.emplace(*which, base);
    }
    if (error) return sys_fail("read the folder " + folder, error.value());
    std::size_t gone = 0;
    for (auto oldest = found.begin(); found.size() - gone >= keep && oldest != found.end(); ++oldest, ++gone)
        for (const char* part : parts)
            if (::unlink((oldest->second + part).c_str()) != 0 && errno != ENOENT)
                return sys_fail("remove " + oldest->second + part);
    return gone;
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
