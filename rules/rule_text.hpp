// SPDX-License-Identifier: GPL-2.0-or-later
// A rule in one line, for tables.
#pragma once

#include <string>

#include "rules/rule.hpp"

namespace doorward {

// Who → where, without the action: "curl → 203.0.113.0/24 tcp/443",
// "any program as alice → out port 22". Exact paths are shortened to their last part.
std::string summary(const Rule& rule);

}  // namespace doorward
