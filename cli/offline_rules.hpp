// SPDX-License-Identifier: GPL-2.0-or-later
// A folder of rules, asked without the daemon; and what only a running one knows.
#pragma once

#include <memory>
#include <optional>

#include "cli/command_error.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

// Errors name the file, line and column.
CommandResult<std::shared_ptr<const Ruleset>> rules_of_folder(const std::string& folder,
                                                              const Defaults& defaults);

// What rules are decided with beside the flow.
struct HostView {
    Defaults defaults;
    std::optional<Network> network;
};

// As the daemon at this socket has it.
CommandResult<HostView> ask_host_view(const std::string& socket);

}  // namespace doorward
