// SPDX-License-Identifier: GPL-2.0-or-later
// The filters of `doorward log` for flows that are open now.
#pragma once

#include "fwd/audit_query.hpp"
#include "fwd/control_types.hpp"

namespace doorward {

// As the row in the audit log of the flow's decision would be found.
bool matches(const AuditFilter& filter, const OpenFlow& flow);

}  // namespace doorward
