// SPDX-License-Identifier: GPL-2.0-or-later
// cgroup → systemd unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doorward {

// Pure. The unit that a cgroup v2 path belongs to, as systemd itself reads it: past the slices, the
// first part that names a unit; inside user@UID.service, likewise the unit of that user's manager.
// What is below is the unit's own and may be called anything, so it is never looked at.
//   /system.slice/ssh.service                                                ssh.service
//   /user.slice/user-1000.slice/user@1000.service/app.slice/app-foo.scope    app-foo.scope
//   /system.slice/foo.service/ssh.service                                    foo.service
// Empty if the path has none. The names of a user's units are that user's choice.
std::string unit_of_cgroup(std::string_view path);

// The path below `mount` (where cgroup v2 is mounted) of the cgroup with this id. Nothing if it has
// been removed, or the process lacks CAP_DAC_READ_SEARCH.
std::optional<std::string> cgroup_path(const std::string& mount, std::uint64_t cgroup_id);

}  // namespace doorward
