// SPDX-License-Identifier: GPL-2.0-or-later
// "What would be decided, and why not by the rules before?", answered by the production evaluator.
#pragma once

#include "fwd/control_types.hpp"

namespace doorward {

// `now` in seconds since the epoch. A failure is always of kind invalid_rule: the question itself
// is wrong (no such user, no address, …).
Controlling<Explanation> explain_question(const Ruleset& ruleset, const FlowQuestion& question,
                                          const Environment& environment, std::int64_t now);

}  // namespace doorward
