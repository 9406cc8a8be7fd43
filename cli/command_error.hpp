// SPDX-License-Identifier: GPL-2.0-or-later
// How a command ends. The numbers are documented in doorward(1).
#pragma once

#include <expected>
#include <string>

#include "rules/result.hpp"

namespace doorward {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;       // the daemon refused, or what was asked for is wrong
inline constexpr int exit_usage = 2;        // the command line makes no sense
inline constexpr int exit_unreachable = 3;  // no daemon, or no database, to ask
inline constexpr int exit_denied = 4;       // the caller has not the right
inline constexpr int exit_not_now = 5;      // the daemon is in no state for it: nothing to undo, …
inline constexpr int exit_incomplete = 6;   // done, but a part had to be left out

struct CommandError {
    int status = exit_failed;
    std::string message;
    std::string name;  // of the daemon's error, without the interface: "RuleExists"
};

template <class T>
using CommandResult = std::expected<T, CommandError>;

inline std::unexpected<CommandError> command_fail(int status, std::string message) {
    return std::unexpected(CommandError{status, std::move(message), {}});
}

inline std::unexpected<CommandError> command_fail(int status, const Error& error) {
    return command_fail(status, error.text());
}

// Prints one line on standard error and returns the exit status.
int report(const CommandError& error);

}  // namespace doorward
