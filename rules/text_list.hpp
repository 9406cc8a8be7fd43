// SPDX-License-Identifier: GPL-2.0-or-later
// Texts and patterns over them, as conditions on programs, units and interfaces have them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition.hpp"
#include "rules/glob.hpp"

namespace doorward {

struct TextList {
    struct UserGlob {
        Glob glob;
        bool of_user = false;  // begins with user_prefix
        std::string literal;   // of a path: the folders before its first special character
    };
    std::vector<std::string_view> plain;  // ascending, once sort() was called; not owned
    std::vector<UserGlob> globs;
    std::uint32_t unknown_reasons = 0;    // of `app`: one bit for each Unknown

    Result<void> add_pattern(std::string_view pattern);  // errors have no place
    void sort();                                         // once, after the last plain text

    // A text that is empty matches nothing. A glob matches names under user_prefix only if it begins
    // with that itself: "*.service" speaks of the system's units, not of those that users make.
    bool matches(std::string_view text) const;
    bool has_texts() const { return !plain.empty() || !globs.empty(); }
};

// Whether a value of this condition is a pattern.
bool is_pattern(Condition condition, std::string_view text);

// The folders before the first special character, with the slash behind them: "/opt/*/bin/x" → "/opt/".
std::string_view literal_folder(std::string_view glob);

}  // namespace doorward
