// SPDX-License-Identifier: GPL-2.0-or-later
// Parameters of a call, or the members of one of them → the types of the control interface. Each takes what
// its type has; whether all of it was there and fitted is said by `complete()` afterwards.
#pragma once

#include "fwd/call_parameters.hpp"
#include "fwd/control_types.hpp"

namespace doorward {

Lifetime read_lifetime(CallParameters& parameters);  // until, pid, started
ControlSession read_session(CallParameters& members);
FlowQuestion read_question(CallParameters& members);
FlowEnds read_ends(CallParameters& members);

}  // namespace doorward
