// SPDX-License-Identifier: GPL-2.0-or-later
// How interpreters read their options, as tables. Used by script.cpp only.
#pragma once

#include <span>
#include <string_view>

namespace doorward {

struct Interpreter {
    // Names of the executable; a version behind one ("3.11", "-8.2") is taken off first.
    std::span<const std::string_view> names;
    std::string_view flags{};     // single letters without a value
    std::string_view values{};    // with one: attached, or the next argument
    std::string_view attached{};  // the rest of the argument, which may be empty, is its value
    std::string_view later{};     // the next argument is its value, also in a group: -euo pipefail
    std::string_view modules{};   // with one that names the module to run
    std::string_view scripts{};   // with one that is the script
    std::span<const std::string_view> long_flags{};
    std::span<const std::string_view> long_values{};  // "--name VALUE"; "--name=VALUE" as well
    std::span<const std::string_view> long_joined{};  // "--name=VALUE" only
    std::string_view numbers{};   // octal digits may follow, then more letters: -l012n
    bool plus_options = false;    // "+x" as "-x" (shells)
    bool dash_ends_options = false;  // "-" alone: the script follows (shells); else standard input
    bool dashes_mean_input = false;  // "--" alone: standard input is run (PHP); else the script follows
};

// Null if it is none that is known. `name`: the last part of its path.
const Interpreter* find_interpreter(std::string_view name);

}  // namespace doorward
