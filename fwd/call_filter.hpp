// SPDX-License-Identifier: GPL-2.0-or-later
// From its installation on, the process makes only the system calls of fwd/system_calls.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fwd/control_types.hpp"
#include "rules/result.hpp"

namespace doorward {

// Installs the filter for all threads, those to come too, for good; and the handler of the signal
// SIGSYS, which makes a refused call fail with EPERM and writes a line about it. No thread may block
// SIGSYS: a refused call would then end the process. Sets no_new_privs.
Result<void> install_call_filter();

// How often each call was refused since.
std::vector<NamedCount> refused_calls();

}  // namespace doorward
