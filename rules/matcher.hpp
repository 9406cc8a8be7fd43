// SPDX-License-Identifier: GPL-2.0-or-later
// One rule in the form in which it is matched. Used by the ruleset only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/glob.hpp"
#include "rules/pattern_set.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

struct CompiledRule {
    const Rule* rule = nullptr;
    std::vector<std::string> paths;      // as written and as resolved; sorted
    std::vector<Glob> globs;
    std::uint32_t unknown_reasons = 0;   // one bit for each Unknown that `app` names
    std::vector<std::uint32_t> users;    // sorted
    std::vector<std::uint32_t> groups;   // sorted
    PatternSet parents, scripts, units, slices, containers, packages;
    std::vector<std::string> domains;    // as domain_key(); sorted

    // A rule that only executables at these paths can match, so that the index may hold it back
    // from all others.
    bool only_paths() const { return !paths.empty() && globs.empty() && unknown_reasons == 0; }
};

Result<CompiledRule> compile_rule(const Rule& rule, const Environment& environment);

// Tests the conditions in the order of the enum and stops at the first that is not met. Adds to
// `inputs` each one it looks at.
Condition first_unmet(const CompiledRule& compiled, const Flow& flow, std::int64_t now,
                      Inputs& inputs);

}  // namespace doorward
