// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the kernel takes a set of hooks at all, found out without loading all of it.
#pragma once

#include "fwd/config.hpp"
#include "rules/result.hpp"

namespace doorward {

// Whether the kernel itself, without its modules, has a function that its BTF describes.
bool kernel_has_function(const char* name);

// An error says what is absent. Without one the set may still be refused.
Result<void> try_hooks(HookChoice set);

}  // namespace doorward
