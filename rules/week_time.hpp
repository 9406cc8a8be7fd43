// SPDX-License-Identifier: GPL-2.0-or-later
// Times of the week: "mon-fri 08:00-17:30", "sat,sun", "22:00-06:00".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"

namespace doorward {

inline constexpr std::uint16_t minutes_per_day = 24 * 60;
inline constexpr std::uint16_t minutes_per_week = 7 * minutes_per_day;

// Days, times, or both; of the local clock of the host. What runs past midnight belongs to the day on
// which it begins: "fri 22:00-06:00" ends on Saturday morning.
class WeekTime {
public:
    static Result<WeekTime> parse(std::string_view text);

    // `minute` of the week, from Monday 00:00.
    bool contains(std::uint16_t minute) const;
    std::string to_string() const;  // the one way to write it

    bool operator==(const WeekTime&) const = default;

private:
    bool on_day(unsigned day) const { return days_ & (1u << (day % 7)); }

    std::uint8_t days_ = 0x7f;             // bit 0: Monday
    std::uint16_t first_ = 0;              // minutes of the day
    std::uint16_t last_ = minutes_per_day; // one past the end; before `first_`: on the next day
};

}  // namespace doorward
