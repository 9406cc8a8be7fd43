// SPDX-License-Identifier: GPL-2.0-or-later
// Which script an interpreter was started to run.
#pragma once

#include <string>
#include <string_view>

namespace doorward {

// A program as it was started. Views into what the caller keeps.
struct StartOfProgram {
    std::string_view exe;                // path of the executable
    std::string_view arguments;          // each with a NUL behind it; argv[0] is the first
    bool arguments_known = true;         // these are what it was started with
    bool arguments_cut = false;          // there were more, or the last one is not whole
    std::string_view working_directory{};  // without symbolic links; empty: not known
    bool root_changed = false;           // chroot: absolute paths begin elsewhere
};

// The script's absolute path, as it was given: symbolic links in it are not resolved. For
// `python -m NAME` it is "module:NAME", for Java's main class "class:NAME". Empty where the program is
// no interpreter that is known. Where one runs no script, or it can't be told for certain, "unknown:"
// and why: "arguments" can't be had; they are "cut"; "options" that run text (-c) or aren't known;
// standard "input"; a relative path without a "folder", an absolute one below another "root"; a
// "path" through ".."; a "file" that has no name of its own (/dev/fd/3). No rule can name these.
//
// Known: Python, PyPy, the shells sh, dash, bash, ksh, mksh, zsh and BusyBox's, Perl, Ruby, Node.js,
// PHP, Lua, R, Java. Each is read by its own grammar; what follows -c or -e is never taken for a path.
// A "#!" line needs nothing more: the kernel starts its interpreter with the script as an argument.
std::string script_path(const StartOfProgram& start);

inline constexpr std::string_view module_prefix = "module:";
inline constexpr std::string_view class_prefix = "class:";
inline constexpr std::string_view unknown_prefix = "unknown:";

}  // namespace doorward
