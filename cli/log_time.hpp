// SPDX-License-Identifier: GPL-2.0-or-later
// Points in time as `doorward log` takes and shows them.
#pragma once

#include <cstdint>
#include <string>

#include "rules/result.hpp"

namespace doorward {

// Microseconds since the epoch, of
//   90s 10m 2h 3d 1w                 so long before `now_us`
//   2027-01-31T18:00:00Z, …+01:00    RFC 3339
//   2027-01-31, 2027-01-31 18:00[:05]  this host's time zone; a date alone is its first moment
Result<std::int64_t> parse_log_time(const std::string& text, std::int64_t now_us);

// The present, in the same unit.
std::int64_t wall_clock_us();

// "2027-01-31 18:00:05", in this host's time zone.
std::string local_time_text(std::int64_t time_us);

// "2027-01-31T17:00:05.000123Z".
std::string utc_time_text(std::int64_t time_us);

}  // namespace doorward
