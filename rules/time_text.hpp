// SPDX-License-Identifier: GPL-2.0-or-later
// Points in time as people write them in rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/result.hpp"

namespace doorward {

// RFC 3339 with whole seconds: "2027-01-31T18:00:00Z", "2027-01-31T19:00:00+01:00" → seconds since
// the epoch. A time without an offset, or a date alone, means something else on each host and is
// refused. Years 1970 to 9999. The error has no place.
Result<std::int64_t> parse_time(std::string_view text);

// The same in UTC, for times that parse_time() returns.
std::string format_time(std::int64_t seconds);

}  // namespace doorward
