// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the kernel takes a set of hooks at all, found out without loading all of it.
#pragma once

#include "fwd/config.hpp"
#include "fwd/kernel_functions.hpp"
#include "rules/result.hpp"

namespace doorward {

// An error says what is absent. Without one the set may still be refused.
Result<void> try_hooks(HookChoice set, const KernelFunctions& kernel);

}  // namespace doorward
