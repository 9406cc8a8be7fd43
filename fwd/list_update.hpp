// SPDX-License-Identifier: GPL-2.0-or-later
// Brings one list up to date, or leaves the last good copy where it is.
#pragma once

#include "fwd/list_folder.hpp"
#include "fwd/lists_config.hpp"

namespace doorward {

struct UpdatedList {
    ListState state{};
    bool new_copy = false;
};

// Fetches `list` and, if what comes is a list and has not shrunk absurdly, puts it into the folder.
// The state, with the error if there is one, is written either way and returned; an error means
// that not even the state could be written. `now`: seconds since the epoch.
Result<UpdatedList> update_list(const ListFolder& folder, const ListSource& list,
                                const std::string& proxy, std::int64_t now);

// Whether `report` may take the place of a copy with `before` entries (0: there was none).
Result<void> may_replace(const ListReport& report, std::size_t before, Shrink shrink);

}  // namespace doorward
