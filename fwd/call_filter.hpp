// SPDX-License-Identifier: GPL-2.0-or-later
// From its installation on, the process makes only the system calls of fwd/system_calls.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fwd/control_types.hpp"
#include "rules/result.hpp"

namespace doorward {

// Sanitizers make calls of their own, and at the end a process that looks at this one's memory.
// Their builds do without it.
inline constexpr bool filters_calls =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    false;
#else
    true;
#endif
#else
    true;
#endif

// Installs the filter for all threads, those to come too, for good; and the handler of the signal
// SIGSYS, which makes a refused call fail with EPERM and writes a line about it. No thread may block
// SIGSYS: a refused call would then end the process. Sets no_new_privs.
Result<void> install_call_filter();

// How often each call was refused since.
std::vector<NamedCount> refused_calls();

}  // namespace doorward
