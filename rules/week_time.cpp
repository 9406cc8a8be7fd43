// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/week_time.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace doorward {

namespace {

constexpr std::array<std::string_view, 7> day_names{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
constexpr std::uint8_t every_day = 0x7f;

std::optional<unsigned> parse_day(std::string_view text) {
    const auto found = std::ranges::find(day_names, text);
    if (found == day_names.end()) return std::nullopt;
    return static_cast<unsigned>(found - day_names.begin());
}

// "mon-fri,sun"; a range may run over the end of the week.
std::optional<std::uint8_t> parse_days(std::string_view text) {
    std::uint8_t days = 0;
    while (true) {
        const auto comma = text.find(',');
        const auto part = text.substr(0, comma);
        const auto dash = part.find('-');
        const auto first = parse_day(part.substr(0, dash));
        const auto last = dash == part.npos ? first : parse_day(part.substr(dash + 1));
        if (!first || !last) return std::nullopt;
        for (unsigned day = *first;; day = (day + 1) % 7) {
            days = static_cast<std::uint8_t>(days | 1u << day);
            if (day == *last) break;
        }
        if (comma == text.npos) return days;
        text.remove_prefix(comma + 1);
    }
}

// "08:00"; "24:00" as an end.
std::optional<std::uint16_t> parse_clock(std::string_view text) {
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
        return std::nullopt;
    const int hour = (text[0] - '0') * 10 + text[1] - '0';
    const int minute = (text[3] - '0') * 10 + text[4] - '0';
    if (minute > 59 || hour > 24 || (hour == 24 && minute != 0)) return std::nullopt;
    return static_cast<std::uint16_t>(hour * 60 + minute);
}

std::string days_text(std::uint8_t days) {
    std::string out;
    for (unsigned day = 0; day < 7; ++day) {
        if (!(days & 1u << day)) continue;
        unsigned last = day;
        while (last < 6 && days & 1u << (last + 1)) ++last;
        if (!out.empty()) out += ',';
        out += day_names[day];
        if (last > day) out += (last == day + 1 ? ',' : '-');
        if (last > day) out += day_names[last];
        day = last;
    }
    return out;
}

}  // namespace

Result<WeekTime> WeekTime::parse(std::string_view text) {
    const auto wrong = [&] {
        return fail(fmt::format("\"{}\" is no time of the week", text.substr(0, 40)),
                    "write days, hours or both, such as mon-fri 08:00-17:30");
    };
    WeekTime out;
    const bool has_days = !text.empty() && text[0] >= 'a';
    const auto space = text.find(' ');
    if (has_days) {
        const auto days = parse_days(text.substr(0, space));
        if (!days) return wrong();
        out.days_ = *days;
        if (space == text.npos) return out;
        text.remove_prefix(space + 1);
    }
    const auto dash = text.find('-');
    if (dash == text.npos) return wrong();
    const auto first = parse_clock(text.substr(0, dash));
    const auto last = parse_clock(text.substr(dash + 1));
    if (!first || !last || *first == minutes_per_day) return wrong();
    if (*first == *last)
        return fail(fmt::format("\"{}\" ends when it begins", text.substr(0, 40)),
                    "leave the hours out for the whole day, or write 00:00-24:00");
    out.first_ = *first;
    out.last_ = *last == 0 ? minutes_per_day : *last;
    return out;
}

bool WeekTime::contains(std::uint16_t minute) const {
    const unsigned day = minute / minutes_per_day;
    const unsigned clock = minute % minutes_per_day;
    if (first_ < last_) return on_day(day) && first_ <= clock && clock < last_;
    return (on_day(day) && clock >= first_) || (on_day(day + 6) && clock < last_);
}

std::string WeekTime::to_string() const {
    const bool whole_day = first_ == 0 && last_ == minutes_per_day;
    const auto hours = fmt::format("{:02}:{:02}-{:02}:{:02}", first_ / 60, first_ % 60, last_ / 60,
                                   last_ % 60);
    if (whole_day) return days_ == every_day ? hours : days_text(days_);
    return days_ == every_day ? hours : days_text(days_) + ' ' + hours;
}

}  // namespace doorward
