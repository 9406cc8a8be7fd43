// SPDX-License-Identifier: GPL-2.0-or-later
// cgroup id → what its path says: unit, slices, container.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fwd/lru.hpp"
#include "rules/control_group.hpp"

namespace doorward {

// The path below `mount` (where cgroup v2 is mounted) of the cgroup with this id. Nothing if it has
// been removed, or the process lacks CAP_DAC_READ_SEARCH. Asks the kernel's memory, no disk.
std::optional<std::string> cgroup_path(const std::string& mount, std::uint64_t cgroup_id);

// Asks once for each cgroup and remembers the answer; the kernel uses no id twice and can't rename
// a cgroup of version 2. Holds the `capacity` asked for last. Used by one thread.
class CgroupNames {
public:
    using PathOf = std::function<std::optional<std::string>(std::uint64_t)>;

    CgroupNames(PathOf path_of, std::size_t capacity);
    // Without a mount nothing is known of any cgroup.
    static CgroupNames of_mount(std::optional<std::string> mount, std::size_t capacity);

    // Null if it isn't known: it was gone before it was asked about.
    std::shared_ptr<const ControlGroup> name(std::uint64_t cgroup_id);
    std::size_t size() const { return known_.size(); }

private:
    PathOf path_of_;
    Lru<std::uint64_t, std::shared_ptr<const ControlGroup>, std::hash<std::uint64_t>> known_;
};

}  // namespace doorward
