// SPDX-License-Identifier: GPL-2.0-or-later
// The filters of `doorward log` for flows that are open now.
#pragma once

#include "cli/log_options.hpp"
#include "fwd/control_types.hpp"

namespace CLI {
class App;
}

namespace doorward {

// The options by which a flow can be chosen: who, where to, by which rule.
void add_flow_filters(CLI::App& command, LogOptions& options);

bool has_flow_filter(const LogOptions& options);

// As the row in the audit log of the flow's decision would be found. What the filter says of times and
// verdicts is not looked at.
bool matches(const AuditFilter& filter, const OpenFlow& flow);

}  // namespace doorward
