// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/list_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "fwd/read_file.hpp"
#include "fwd/replace_file.hpp"

namespace doorward {
namespace {

constexpr std::size_t max_state_bytes = 1 << 16;
constexpr const char* lock_name = ".lock";

using Folder = CHandle<DIR, closedir>;

Result<std::string> read_whole(const Fd& file, const std::string& path, std::size_t max_bytes) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return sys_fail("look at " + path);
    if (!S_ISREG(status.st_mode)) return fail(path + " is no regular file", "remove it");
    if (static_cast<std::uint64_t>(status.st_size) > max_bytes)
        return fail(fmt::format("{} is longer than {} bytes", path, max_bytes), "raise max_bytes");
    const auto size = static_cast<std::size_t>(status.st_size);
    return read_up_to(file, path, size, size);
}

std::string state_file(const std::string& name) { return name + ".state.json"; }

// A file that was being written begins with a dot, as replace_file() names it.
void remove_leftovers(const std::string& path) {
    const Folder folder(::opendir(path.c_str()));
    if (!folder) return;
    while (const dirent* entry = ::readdir(folder.get())) {
        const std::string_view name = entry->d_name;
        if (name.starts_with('.') && name != "." && name != ".." && name != lock_name)
            ::unlinkat(::dirfd(folder.get()), entry->d_name, 0);
    }
}

Result<void> write(const std::string& folder, const std::string& name, std::string_view text) {
    return replace_file(folder, name, text, {0644, ::geteuid(), ::getegid()});
}

}  // namespace

Result<std::string> read_list_file(const std::string& path, std::size_t max_bytes) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ELOOP) return fail(path + " is a symbolic link", "name the file itself");
    if (!file) return sys_fail("open " + path);
    return read_whole(file, path, max_bytes);
}

ListState read_list_state(const std::string& folder, const std::string& name,
                          const std::string& source) {
    const auto text = read_list_file(folder + "/" + state_file(name), max_state_bytes);
    ListState state = text ? list_state_from(*text) : ListState{};
    if (state.source != source) state = {};
    state.source = source;
    return state;
}

Result<ListFolder> ListFolder::lock(const std::string& path) {
    const std::string file = path + "/" + lock_name;
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock)
        return sys_fail("write in " + path, errno,
                        "let it belong to the user who fetches lists: systemd-sysusers, then "
                        "systemctl start doorward-lists");
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return fail("lists are being fetched already", "wait for that to end");
    remove_leftovers(path);
    return ListFolder(path, std::move(lock));
}

Result<void> ListFolder::write_list(const std::string& name, std::string_view text) const {
    return write(path_, name, text);
}

Result<void> ListFolder::write_state(const std::string& name, const ListState& state) const {
    using Json = nlohmann::ordered_json;
    return write(path_, state_file(name),
                 to_json(state).dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
}

}  // namespace doorward
