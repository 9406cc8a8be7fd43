// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's command line.
#pragma once

#include <optional>
#include <string>

#include "fwd/config.hpp"
#include "rules/result.hpp"

namespace doorward {

struct Options {
    Config config;              // the file's, with the command line's options put over it
    bool check_config = false;  // only say whether configuration and rules are right
};

// Reads argv, then the configuration file. If there is nothing left to do (--help, --version) or the
// command line makes no sense, prints what is to be said and sets `exit_code`; the options are
// meaningless then.
Result<Options> parse_options(int argc, char** argv, std::optional<int>& exit_code);

}  // namespace doorward
