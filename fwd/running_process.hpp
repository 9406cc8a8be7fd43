// SPDX-License-Identifier: GPL-2.0-or-later
// A process that runs now, as the hooks know it: what a packet of it would be decided by.
#pragma once

#include <cstdint>
#include <memory>

#include "rules/flow.hpp"
#include "rules/result.hpp"

namespace doorward {

// By its number in the daemon's PID namespace. /proc says which of the programs in the maps it is, its
// user and its control group; all else is what the hooks kept, as for a packet. Reads both maps once:
// not for the packet path. Errors: there is no such process, or no hook knows it.
Result<std::shared_ptr<const Process>> running_process(std::uint32_t pid, int processes_fd, int programs_fd);

// The number behind "NAME:" in /proc/PID/status, the first if there are several.
std::optional<std::uint32_t> status_number(std::string_view status, std::string_view name);

}  // namespace doorward
