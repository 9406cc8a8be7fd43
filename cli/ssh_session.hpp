// SPDX-License-Identifier: GPL-2.0-or-later
// Whether this command runs in an ssh session, and through which connection.
#pragma once

#include <optional>
#include <string>

#include "fwd/control_types.hpp"

namespace doorward {

// Pure: the value of SSH_CONNECTION, "CLIENT PORT SERVER PORT". None: it is not that.
std::optional<ControlSession> parse_ssh_connection(const std::string& text);

// Pure: a variable in the text of /proc/PID/environ. Empty: it isn't there.
std::string variable_in(std::string_view environ, std::string_view name);

// From this process's environment or, where sudo has cleared that, from those of its ancestors, as far
// as they may be read.
std::optional<ControlSession> ssh_session();

}  // namespace doorward
