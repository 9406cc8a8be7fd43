// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/log_time.hpp"

#include <cctype>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "rules/time_text.hpp"

namespace doorward {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t longest_age_s = std::int64_t{200} * 366 * 86400;

std::int64_t unit_seconds(char unit) {
    switch (unit) {
        case 's': return 1;
        case 'm': return 60;
        case 'h': return 3600;
        case 'd': return 86400;
        case 'w': return 7 * 86400;
        default: return 0;
    }
}

// "10m" → 600.
std::optional<std::int64_t> parse_age(const std::string& text) {
    if (text.size() < 2) return std::nullopt;
    const std::int64_t unit = unit_seconds(text.back());
    std::int64_t number = 0;
    const char* end = text.data() + text.size() - 1;
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (unit == 0 || error != std::errc{} || stop != end || number < 0) return std::nullopt;
    if (number > longest_age_s / unit) return std::nullopt;
    return number * unit;
}

std::optional<std::int64_t> parse_local(const std::string& text) {
    for (const char* format : {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
                               "%Y-%m-%dT%H:%M:%S"}) {
        std::tm fields{};
        const char* end = strptime(text.c_str(), format, &fields);
        if (end == nullptr || *end != '\0') continue;
        const int day = fields.tm_mday;
        fields.tm_isdst = -1;
        const std::time_t seconds = std::mktime(&fields);
        // strptime takes 31 February; mktime makes March of it.
        if (seconds == -1 || fields.tm_mday != day) return std::nullopt;
        return seconds;
    }
    return std::nullopt;
}

// Rounded down, also before 1970.
std::time_t whole_seconds(std::int64_t time_us) {
    const std::int64_t seconds = time_us / second_us;
    return time_us % second_us < 0 ? seconds - 1 : seconds;
}

}  // namespace

Result<std::int64_t> parse_log_time(const std::string& text, std::int64_t now_us) {
    if (const auto age = parse_age(text)) return now_us - *age * second_us;
    // strptime would skip spaces, so "2027-1-1" and the like are kept out by the first character.
    const bool date = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                      std::isdigit(static_cast<unsigned char>(text[0])) != 0;
    if (date)
        if (const auto seconds = parse_local(text)) return *seconds * second_us;
    if (const auto seconds = parse_time(text)) return *seconds * second_us;
    return fail(
        "\"" + text + "\" is no point in time",
        "write 10m, 2h or 3d (ago), 2027-01-31, \"2027-01-31 18:00\" or 2027-01-31T18:00:00Z");
}

std::string local_time_text(std::int64_t time_us) {
    const std::time_t seconds = whole_seconds(time_us);
    std::tm fields{};
    if (localtime_r(&seconds, &fields) == nullptr) return fmt::format("{} s", seconds);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fields);
}

std::string utc_time_text(std::int64_t time_us) {
    const std::time_t seconds = whole_seconds(time_us);
    std::tm fields{};
    if (gmtime_r(&seconds, &fields) == nullptr) return fmt::format("{} s", seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fields, time_us - seconds * second_us);
}

std::int64_t wall_clock_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace doorward
