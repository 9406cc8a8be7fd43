// SPDX-License-Identifier: GPL-2.0-or-later
// One line of /proc/PID/mountinfo: which filesystem a file lies on, in the kernel's own terms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doorward {

struct MountEntry {
    std::uint64_t device = 0;  // s_dev as the kernel holds it: major << 20 | minor
    std::string type;          // "ext4", "overlay", "fuse.sshfs"

    bool operator==(const MountEntry&) const = default;
};

// Pure: the mount with this id in the text of a mountinfo. stat's st_dev would not do: it is another
// number on overlayfs and btrfs.
std::optional<MountEntry> find_mount(std::string_view mountinfo, std::uint64_t id);

// Pure: the mount's id in the text of /proc/PID/fdinfo/FD.
std::optional<std::uint64_t> parse_mount_id(std::string_view fdinfo);

// Whether this kernel alone answers for what is read there, and for the time of the last change, which
// nobody can set. Others may give each reader other bytes or keep one waiting for ever (network, FUSE),
// or have no such time (FAT). False for what is not known.
bool is_trusted_filesystem(std::string_view type);

}  // namespace doorward
