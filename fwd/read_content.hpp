// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be known of the file at a path, in one call that waits for it. For the command.
#pragma once

#include <memory>
#include <string>

#include "rules/content.hpp"

namespace doorward {

// Reads the whole file if `wanted` has its SHA-256.
ExecutableContent read_content(const std::string& path, Facts wanted);

}  // namespace doorward
