// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of a fetched list: kept beside it, shown by `doorward lists`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "rules/list_format.hpp"

namespace doorward {

// Times are seconds since the epoch; 0: never.
struct ListState {
    std::string source;         // URL or path; what follows is about this one
    std::string etag;           // as the server gave them, for the next request
    std::string last_modified;
    std::int64_t attempted = 0;  // the last time that it was tried
    std::int64_t checked = 0;    // the last time that this copy was found to be the newest
    std::int64_t changed = 0;    // when this copy was written
    std::uint64_t bytes = 0;     // of this copy
    ListReport report;           // of this copy, without examples
    std::string error;           // of the last try; empty if it went well

    bool has_copy() const { return changed != 0; }
};

nlohmann::ordered_json to_json(const ListState& state);

// Tolerant: what is missing or makes no sense keeps its default. The file may be written by another
// user than reads it.
ListState list_state_from(std::string_view json);

// Whether to try it again: after its interval, at once if the last try failed, and when the clock
// went back. A timer that comes a little early counts as in time.
bool is_due(const ListState& state, std::uint32_t refresh_hours, std::int64_t now);

}  // namespace doorward
