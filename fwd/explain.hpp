// SPDX-License-Identifier: GPL-2.0-or-later
// "What would be decided, and why not by the rules before?", answered by the production evaluator.
#pragma once

#include <functional>
#include <memory>

#include "fwd/control_types.hpp"

namespace doorward {

// Finds out about the file at a path; null if that took too long.
using ContentOfPath =
    std::function<std::shared_ptr<const ExecutableContent>(const std::string& path, Facts wanted)>;

// A process that runs, as for a packet of it. Errors say why there is none.
using ProcessOfPid = std::function<Result<std::shared_ptr<const Process>>(std::uint32_t pid)>;

// How many of the rule's terms held before the one that failed: they are tested in their order.
std::uint64_t held_before(const Rule& rule, const Trial& trial);

// `content` is asked only if a rule that gets that far does. A
// failure is always of kind invalid_rule: the question itself is wrong (no such user, no address, …).
Controlling<Explanation> explain_question(const Ruleset& ruleset, const FlowQuestion& question,
                                          const Environment& environment,
                                          const Surroundings& around,
                                          const ContentOfPath& content,
                                          const ProcessOfPid& process_of = {});

}  // namespace doorward
