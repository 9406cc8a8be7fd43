// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/time_text.hpp"

#include <chrono>
#include <optional>

#include <fmt/format.h>

namespace doorward {

namespace {

constexpr std::int64_t minute = 60;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;

// Reads fixed-width fields from the front of a text.
class Fields {
public:
    explicit Fields(std::string_view text) : rest_(text) {}

    // `digits` decimal digits with a value of at most `most`.
    int number(std::size_t digits, int most) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            const char c = take();
            if (c < '0' || c > '9') ok_ = false;
            else value = value * 10 + (c - '0');
        }
        if (value > most) ok_ = false;
        return value;
    }

    void literal(char expected) {
        if (take() != expected) ok_ = false;
    }

    // "Z", "+01:00" or "-05:30" → seconds east of UTC.
    std::int64_t offset() {
        const char sign = take();
        if (sign == 'Z') return 0;
        if (sign != '+' && sign != '-') ok_ = false;
        const auto hours = number(2, 23);
        literal(':');
        const auto seconds = hours * hour + number(2, 59) * minute;
        return sign == '-' ? -seconds : seconds;
    }

    bool complete() const { return ok_ && rest_.empty(); }

private:
    char take() {
        if (rest_.empty()) {
            ok_ = false;
            return '\0';
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    std::string_view rest_;
    bool ok_ = true;
};

std::optional<std::int64_t> read(std::string_view text) {
    Fields fields(text);
    const std::chrono::year year{fields.number(4, 9999)};
    fields.literal('-');
    const std::chrono::month month{static_cast<unsigned>(fields.number(2, 12))};
    fields.literal('-');
    const std::chrono::day day_of_month{static_cast<unsigned>(fields.number(2, 31))};
    fields.literal('T');
    auto seconds = fields.number(2, 23) * hour;
    fields.literal(':');
    seconds += fields.number(2, 59) * minute;
    fields.literal(':');
    seconds += fields.number(2, 59);
    seconds -= fields.offset();
    const std::chrono::year_month_day date{year, month, day_of_month};
    if (!fields.complete() || !date.ok()) return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count() * day + seconds;
}

}  // namespace

Result<std::int64_t> parse_time(std::string_view text) {
    constexpr std::int64_t end = 253402300800;  // 10000-01-01T00:00:00Z
    if (const auto seconds = read(text); seconds && *seconds >= 0 && *seconds < end)
        return *seconds;
    return fail(fmt::format("\"{}\" is not a time this can use", text.substr(0, 40)),
                "write date, time and offset, such as 2027-01-31T18:00:00Z or "
                "2027-01-31T19:00:00+01:00");
}

std::string format_time(std::int64_t seconds) {
    const std::chrono::year_month_day date{
        std::chrono::sys_days(std::chrono::days(seconds / day))};
    const auto rest = seconds % day;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       rest / hour, rest % hour / minute, rest % minute);
}

}  // namespace doorward
