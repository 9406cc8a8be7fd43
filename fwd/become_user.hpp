// SPDX-License-Identifier: GPL-2.0-or-later
// From root to a user without rights, for good.
#pragma once

#include <string>

#include "rules/result.hpp"

namespace doorward {

// Started by root: gives `folder` to `user` if it is not there yet, and becomes that user, without
// groups, capabilities, or a way back. Started by another user: stays that user. Fails if the
// process is, or could again become, root; the caller must not go on then. Call it before there is a
// second thread.
Result<void> become_user(const std::string& user, const std::string& folder);

}  // namespace doorward
