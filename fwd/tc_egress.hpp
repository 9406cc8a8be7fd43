// SPDX-License-Identifier: GPL-2.0-or-later
// One BPF program as the first filter on the way into a device (clsact, egress). Filters are the
// kernel's, not ours: they outlive the process until they are detached or the device goes.
#pragma once

#include <cstdint>

#include "rules/result.hpp"

namespace doorward {

// Both are about a device of the calling thread's network namespace, by its index.

// In place of the one that an earlier daemon has left, without a moment in between.
Result<void> attach_tc_egress(std::uint32_t device, int program_fd);

// Takes off ours, and the clsact qdisc if it was made for it and nobody else uses it. Nothing to take
// off is no error.
Result<void> detach_tc_egress(std::uint32_t device);

}  // namespace doorward
