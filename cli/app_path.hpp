// SPDX-License-Identifier: GPL-2.0-or-later
// What a person calls a program → what a rule calls it.
#pragma once

#include <optional>
#include <string>

#include "rules/result.hpp"

namespace doorward {

struct AppPath {
    std::string pattern;              // for the `app` of a rule
    std::optional<std::string> note;  // what the user should know: which file was chosen
};

// A bare name is looked up in PATH; symbolic links are followed. Globs, and "unknown" with or
// without a reason, are left as they are. A script is refused: the kernel knows it by its
// interpreter, so that a rule on it would match nothing.
Result<AppPath> resolve_app(const std::string& text);

}  // namespace doorward
