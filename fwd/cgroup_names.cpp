// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/cgroup_names.hpp"

#include <array>
#include <climits>
#include <cstring>
#include <string_view>

#include <fcntl.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr int fileid_kernfs = 0xfe;  // FILEID_KERNFS of linux/exportfs.h, which user space lacks
}  // namespace

CgroupNames::CgroupNames(PathOf path_of, std::size_t capacity)
    : path_of_(std::move(path_of)), known_(capacity) {}

CgroupNames CgroupNames::of_mount(std::optional<std::string> mount, std::size_t capacity) {
    return CgroupNames(
        [mount = std::move(mount)](std::uint64_t id) {
            return mount ? cgroup_path(*mount, id) : std::nullopt;
        },
        capacity);
}

std::shared_ptr<const ControlGroup> CgroupNames::name(std::uint64_t cgroup_id) {
    if (cgroup_id == 0) return nullptr;
    if (const auto* known = known_.find(cgroup_id)) return *known;
    const auto path = path_of_(cgroup_id);
    if (!path) return nullptr;
    return known_.put(cgroup_id, std::make_shared<const ControlGroup>(parse_control_group(*path)));
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
