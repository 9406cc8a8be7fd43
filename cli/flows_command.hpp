// SPDX-License-Identifier: GPL-2.0-or-later
// Flows that are open now, chosen and shown.
#pragma once

#include <vector>

#include "cli/command_error.hpp"
#include "cli/commands.hpp"
#include "cli/flow_filter.hpp"
#include "cli/log_options.hpp"
#include "cli/table.hpp"

namespace doorward {

std::vector<Column> flow_columns();
std::vector<Cell> flow_cells(const OpenFlow& flow);

// Those that meet the filter, by program.
CommandResult<std::vector<OpenFlow>> chosen_flows(const Session& session, const AuditFilter& filter);

}  // namespace doorward
