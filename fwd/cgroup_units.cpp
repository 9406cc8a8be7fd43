// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/cgroup_units.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <memory>

#include <fcntl.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr int fileid_kernfs = 0xfe;  // FILEID_KERNFS of linux/exportfs.h, which user space lacks
constexpr std::size_t longest_unit_name = 255;

constexpr std::string_view suffixes[] = {
    ".service", ".scope", ".socket", ".mount", ".swap", ".slice",
    ".target", ".device", ".automount", ".timer", ".path",
};

bool is_unit_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
}

// A cgroup whose name would clash with a kernel file has an underscore in front.
std::string_view unescaped(std::string_view name) {
    if (name.starts_with('_')) name.remove_prefix(1);
    return name;
}

bool is_unit_name(std::string_view name) {
    if (name.size() > longest_unit_name || !std::ranges::all_of(name, is_unit_char)) return false;
    const auto suffix = std::ranges::find_if(
        suffixes, [name](std::string_view ending) { return name.ends_with(ending); });
    if (suffix == std::end(suffixes)) return false;
    const std::string_view stem = name.substr(0, name.size() - suffix->size());
    // "foo@.service" is a template: nothing runs in it.
    return !stem.empty() && !stem.starts_with('@') && !stem.ends_with('@');
}

bool is_user_manager(std::string_view name) {
    if (!name.starts_with("user@") || !name.ends_with(".service")) return false;
    const std::string_view uid = name.substr(5, name.size() - 5 - 8);
    return !uid.empty() && std::ranges::all_of(uid, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view take_part(std::string_view& path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    return unescaped(part);
}

// The first part past the slices, if it names a unit; `path` is left behind it.
std::string_view take_unit(std::string_view& path) {
    for (;;) {
        const std::string_view part = take_part(path);
        if (!is_unit_name(part)) return {};
        if (!part.ends_with(".slice")) return part;
    }
}

}  // namespace

std::string unit_of_cgroup(std::string_view path) {
    const std::string_view unit = take_unit(path);
    if (!is_user_manager(unit)) return std::string(unit);
    const std::string_view of_user = take_unit(path);
    return std::string(of_user.empty() ? unit : of_user);
}

std::optional<std::string> cgroup_path(const std::string& mount, std::uint64_t cgroup_id) {
    const Fd root(::open(mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return std::nullopt;
    alignas(file_handle) std::array<char, sizeof(file_handle) + sizeof cgroup_id> buffer{};
    auto* handle = reinterpret_cast<file_handle*>(buffer.data());
    handle->handle_bytes = sizeof cgroup_id;
    handle->handle_type = fileid_kernfs;
    std::memcpy(handle->f_handle, &cgroup_id, sizeof cgroup_id);
    const Fd cgroup(::open_by_handle_at(root.get(), handle, O_PATH | O_CLOEXEC));
    if (!cgroup) return std::nullopt;

    std::array<char, PATH_MAX> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(cgroup.get());
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size <= 0) return std::nullopt;
    const std::string_view path(target.data(), static_cast<std::size_t>(size));
    if (!path.starts_with(mount)) return std::nullopt;
    const std::string_view below = path.substr(mount.size());
    if (below.empty()) return "/";
    return below.starts_with('/') ? std::optional(std::string(below)) : std::nullopt;
}

}  // namespace doorward
