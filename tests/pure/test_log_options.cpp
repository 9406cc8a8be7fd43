// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdlib>
#include <ctime>

#include "cli/log_options.hpp"
#include "cli/log_time.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;

namespace {

// The whole process's time zone, put back at the end.
class TimeZone {
public:
    explicit TimeZone(const char* name) {
        if (const char* before = std::getenv("TZ")) before_ = before;
        setenv("TZ", name, 1);
        tzset();
    }
    TimeZone(const TimeZone&) = delete;
    TimeZone& operator=(const TimeZone&) = delete;
    ~TimeZone() {
        if (before_) setenv("TZ", before_->c_str(), 1);
        else unsetenv("TZ");
        tzset();
    }

private:
    std::optional<std::string> before_;
};

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t now_us = 1'800'000'000 * second + 5;  // 2027-01-15 08:00:00 UTC

std::int64_t seconds(const std::string& text) {
    const auto time = parse_log_time(text, now_us);
    if (!time) FAIL(time.error().text());
    return *time / second;
}

}  // namespace

TEST_CASE("times are ages, dates of this time zone, or RFC 3339") {
    const TimeZone zone("XXX-2");  // two hours east of Greenwich, no summer time
    CHECK(parse_log_time("0s", now_us) == now_us);
    CHECK(parse_log_time("90s", now_us) == now_us - 90 * second);
    CHECK(parse_log_time("10m", now_us) == now_us - 600 * second);
    CHECK(parse_log_time("2h", now_us) == now_us - 7200 * second);
    CHECK(parse_log_time("3d", now_us) == now_us - 3 * 86400 * second);
    CHECK(parse_log_time("1w", now_us) == now_us - 7 * 86400 * second);
    CHECK(seconds("2027-01-15T08:00:00Z") == 1'800'000'000);
    CHECK(seconds("2027-01-15T09:00:00+01:00") == 1'800'000'000);
    CHECK(seconds("2027-01-15 10:00") == 1'800'000'000);
    CHECK(seconds("2027-01-15 10:00:01") == 1'800'000'001);
    CHECK(seconds("2027-01-15T10:00") == 1'800'000'000);
    CHECK(seconds("2027-01-15") == 1'800'000'000 - 10 * 3600);
    CHECK(seconds("2024-02-29") == 1'709'164'800 - 2 * 3600);
}

TEST_CASE("what is no time is refused") {
    for (const auto* text : {"", "m", "10", "10 m", "10x", "-5m", "1.5h", "99999999999999999999d",
                             "9999999999w", "yesterday", "2027-1-5", "2027-02-30", "2027-13-01",
                             "2027-01-15 25:00", "2027-01-15 10:00 junk", "2027-01-15T10:00:00+",
                             " 2027-01-15"}) {
        INFO(text);
        CHECK_FALSE(parse_log_time(text, now_us));
    }
}

TEST_CASE("times as they are shown") {
    const TimeZone zone("XXX-2");
    CHECK(local_time_text(now_us) == "2027-01-15 10:00:00");
    CHECK(utc_time_text(now_us) == "2027-01-15T08:00:00.000005Z");
    CHECK(utc_time_text(-1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("options become a search") {
    LogOptions options;
    options.app = "curl";
    options.verdicts = {"drop", "reject"};
    options.denied = true;
    options.since = "10m";
    options.until = "5m";
    options.to = "203.0.113.0/24";
    options.from = "example.org";
    options.port = "65535";
    options.user = "alice";
    options.rule = "web";
    options.pid = "7";
    const auto filter = make_filter(options, now_us);
    REQUIRE(filter);
    CHECK(std::get<AppFilter::Name>(filter->app->what).name == "curl");
    CHECK(filter->verdicts == std::vector{Action::drop, Action::reject});
    CHECK(filter->denied);
    CHECK(filter->since_us == now_us - 600 * second);
    CHECK(filter->until_us == now_us - 300 * second);
    CHECK(std::get<Prefix>(filter->to->what).to_string() == "203.0.113.0/24");
    CHECK(std::get<std::string>(filter->from->what) == "example.org");
    CHECK(filter->port == 65535);
    CHECK(filter->user == "alice");
    CHECK_FALSE(filter->uid);
    CHECK(filter->rule == "web");
    CHECK(filter->pid == 7u);
    options.user = "1000";
    CHECK(make_filter(options, now_us)->uid == 1000u);
    CHECK_FALSE(make_filter(options, now_us)->user);
}

TEST_CASE("a limit is a number, and 0 is none") {
    CHECK(parse_limit(LogOptions{}.limit) == 200);
    CHECK(parse_limit("1") == 1);
    CHECK(parse_limit("0") == INT64_MAX);
    for (const auto* text : {"-1", "x", "1x", " 1", "99999999999"}) CHECK_FALSE(parse_limit(text));
}

TEST_CASE("an option that makes no sense is named") {
    const std::pair<std::string LogOptions::*, const char*> cases[] = {
        {&LogOptions::app, "--app"},     {&LogOptions::since, "--since"},
        {&LogOptions::until, "--until"}, {&LogOptions::to, "--to"},
        {&LogOptions::from, "--from"},   {&LogOptions::port, "--port"},
        {&LogOptions::pid, "--pid"},
    };
    for (const auto& [field, name] : cases) {
        LogOptions options;
        options.*field = "70000/x y";
        const auto filter = make_filter(options, now_us);
        REQUIRE_FALSE(filter);
        CHECK(filter.error().text().starts_with(name));
    }
    LogOptions options;
    options.verdicts = {"drop", "maybe"};
    CHECK_FALSE(make_filter(options, now_us));
    options.verdicts = {};
    options.port = "65536";
    CHECK_FALSE(make_filter(options, now_us));
}

TEST_CASE("a program named by a symbolic link is also looked for under its own path") {
    const TempFolder folder;
    std::filesystem::create_symlink("/proc/self/exe", folder / "link");
    LogOptions options;
    options.app = folder / "link";
    const auto filter = make_filter(options, now_us);
    REQUIRE(filter);
    const auto& paths = std::get<AppFilter::Paths>(filter->app->what).paths;
    REQUIRE(paths.size() == 2);
    CHECK(paths[0] == folder / "link");
    CHECK(paths[1] == std::filesystem::canonical("/proc/self/exe"));
}
