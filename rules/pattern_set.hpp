// SPDX-License-Identifier: GPL-2.0-or-later
// The values of one condition, compiled: plain texts and globs. Used by the matcher only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/glob.hpp"
#include "rules/rule.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

class PatternSet {
public:
    // `key` names the condition in errors. Adds plain texts as they are; with `resolve`, also what
    // that makes of them.
    Result<void> add(const Pattern& pattern, std::string_view key,
                     const std::function<std::string(const std::string&)>& resolve = {});
    void finish();  // once, after the last add()

    // A text that is empty matches nothing. A glob matches names under user_prefix only if it begins
    // with that itself: "*.service" speaks of the system's units, not of those users make.
    bool matches(std::string_view text) const;

private:
    struct UserGlob {
        Glob glob;
        bool of_user = false;
    };

    std::vector<std::string> plain_;  // sorted
    std::vector<UserGlob> globs_;
};

}  // namespace doorward
