// SPDX-License-Identifier: GPL-2.0-or-later
// The time of the week by the host's own clock, which rules with `when` ask for.
#pragma once

#include <cstdint>

#include <time.h>

#include "rules/surroundings.hpp"
#include "rules/week_time.hpp"

namespace doorward {

// `seconds` since the epoch; no_minute if the local time can't be told.
inline std::uint16_t minute_of_week(std::int64_t seconds) {
    const time_t time = static_cast<time_t>(seconds);
    tm local{};
    if (!::localtime_r(&time, &local)) return Surroundings::no_minute;
    const int day = (local.tm_wday + 6) % 7;  // from Monday, not from Sunday
    return static_cast<std::uint16_t>(day * minutes_per_day + local.tm_hour * 60 + local.tm_min);
}

// The same, asked of the system once a minute only. Of one thread.
class LocalMinute {
public:
    std::uint16_t at(std::int64_t seconds) {
        if (seconds / 60 != asked_) {
            asked_ = seconds / 60;
            minute_ = minute_of_week(seconds);
        }
        return minute_;
    }

private:
    std::int64_t asked_ = -1;
    std::uint16_t minute_ = Surroundings::no_minute;
};

}  // namespace doorward
