// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon, once its hooks are in: no more power than deciding takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "fwd/control_types.hpp"
#include "fwd/missing_feature.hpp"
#include "rules/result.hpp"

namespace doorward {

// For good. Call it before there is a second thread: capabilities are each thread's own. Whoever may
// shares files with `group` afterwards, which takes no capability for its members.
Result<void> confine(std::optional<gid_t> group);

// What the calling thread holds, and what was refused since.
ConfinementStatus confinement_status();

// What it needs and was not given, or could not do to itself.
std::vector<MissingFeature> missing_confinement();

}  // namespace doorward
