// SPDX-License-Identifier: GPL-2.0-or-later
// Times of the week, and rules with them.
#include <catch2/catch.hpp>

#include "rule_trial.hpp"
#include "rules/week_time.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr int mon = 0, tue = 1, wed = 2, thu = 3, fri = 4, sat = 5, sun = 6;

std::uint16_t at(int day, int hour, int minute = 0) {
    return static_cast<std::uint16_t>(day * minutes_per_day + hour * 60 + minute);
}

WeekTime time_of(std::string_view text) {
    const auto time = WeekTime::parse(text);
    INFO(text);
    REQUIRE(time);
    return *time;
}

std::string normal(std::string_view text) { return time_of(text).to_string(); }

}  // namespace

TEST_CASE("a time of the week is written in one way") {
    for (const char* text : {"mon", "mon-fri", "sat,sun", "mon-fri 08:00-17:30", "22:00-06:00",
                             "fri 22:00-06:00", "mon,wed,fri", "mon,wed-fri,sun 00:00-00:01",
                             "00:00-24:00", "sun 23:59-24:00"})
        CHECK(normal(text) == text);
    CHECK(normal("mon-sun") == "00:00-24:00");
    CHECK(normal("mon-sun 08:00-09:00") == "08:00-09:00");
    CHECK(normal("mon 00:00-24:00") == "mon");
    CHECK(normal("sun,sat") == "sat,sun");
    CHECK(normal("mon-tue") == "mon,tue");
    CHECK(normal("mon,mon,tue,wed") == "mon-wed");
    CHECK(normal("sat-mon") == "mon,sat,sun");  // over the end of the week
    CHECK(normal("fri-tue") == "mon,tue,fri-sun");
    CHECK(normal("mon-mon") == "mon");
    CHECK(time_of("sat-mon") == time_of("sun,mon,sat"));
    CHECK_FALSE(time_of("sat") == time_of("sun"));
    CHECK_FALSE(time_of("08:00-09:00") == time_of("08:00-09:01"));
}

TEST_CASE("the end of a day has one name too") {
    CHECK(normal("mon 22:00-00:00") == "mon 22:00-24:00");
    CHECK(time_of("22:00-00:00") == time_of("22:00-24:00"));
}

TEST_CASE("what was written reads back the same, for every set of days") {
    for (unsigned days = 1; days < 128; ++days) {
        std::string text;
        for (const auto& [bit, name] : std::initializer_list<std::pair<unsigned, const char*>>{
                 {1, "mon"}, {2, "tue"}, {4, "wed"}, {8, "thu"}, {16, "fri"}, {32, "sat"},
                 {64, "sun"}})
            if (days & bit) text += (text.empty() ? "" : ",") + std::string(name);
        for (const char* hours : {"", " 08:00-17:30", " 22:00-06:00", " 00:00-24:00"}) {
            const WeekTime time = time_of(text + hours);
            INFO(text << hours << " is " << time.to_string());
            CHECK(time_of(time.to_string()) == time);
        }
    }
}

TEST_CASE("days without hours are whole") {
    const WeekTime weekend = time_of("sat,sun");
    CHECK(weekend.contains(at(sat, 0)));
    CHECK(weekend.contains(at(sun, 23, 59)));
    CHECK_FALSE(weekend.contains(at(fri, 23, 59)));
    CHECK_FALSE(weekend.contains(at(mon, 0)));
}

TEST_CASE("hours begin with their first minute and end before their last") {
    const WeekTime office = time_of("mon-fri 08:00-17:30");
    CHECK(office.contains(at(mon, 8)));
    CHECK(office.contains(at(fri, 17, 29)));
    CHECK(office.contains(at(wed, 12)));
    CHECK_FALSE(office.contains(at(mon, 7, 59)));
    CHECK_FALSE(office.contains(at(fri, 17, 30)));
    CHECK_FALSE(office.contains(at(sat, 12)));
    CHECK_FALSE(office.contains(at(sun, 8)));
    const WeekTime late = time_of("23:00-24:00");
    CHECK(late.contains(at(tue, 23, 59)));
    CHECK_FALSE(late.contains(at(tue, 0)));
}

TEST_CASE("what runs past midnight belongs to the day on which it begins") {
    const WeekTime night = time_of("fri 22:00-06:00");
    CHECK(night.contains(at(fri, 22)));
    CHECK(night.contains(at(fri, 23, 59)));
    CHECK(night.contains(at(sat, 0)));
    CHECK(night.contains(at(sat, 5, 59)));
    CHECK_FALSE(night.contains(at(fri, 21, 59)));
    CHECK_FALSE(night.contains(at(sat, 6)));
    CHECK_FALSE(night.contains(at(fri, 0)));  // that night began on Thursday
    CHECK_FALSE(night.contains(at(fri, 5, 59)));
    CHECK_FALSE(night.contains(at(sat, 22)));
}

TEST_CASE("past the end of the week") {
    const WeekTime night = time_of("sun 22:00-06:00");
    CHECK(night.contains(at(sun, 22)));
    CHECK(night.contains(at(mon, 0)));
    CHECK(night.contains(at(mon, 5, 59)));
    CHECK_FALSE(night.contains(at(mon, 6)));
    CHECK_FALSE(night.contains(at(sun, 5)));
    CHECK_FALSE(night.contains(at(mon, 22)));
    const WeekTime every = time_of("22:00-06:00");
    for (const int day : {mon, tue, wed, thu, fri, sat, sun}) {
        CHECK(every.contains(at(day, 0)));
        CHECK(every.contains(at(day, 22)));
        CHECK_FALSE(every.contains(at(day, 6)));
        CHECK_FALSE(every.contains(at(day, 21, 59)));
    }
}

TEST_CASE("no times of the week") {
    for (const char* text :
         {"", " ", "mon ", " mon", "Mon", "MON", "monday", "mo", "mon-", "-fri", "mon,", ",mon",
          "mon--fri", "mon fri", "mon-fri-sun", "8:00-9:00", "08:00", "08:00-", "-09:00",
          "08:00-09:00 mon", "mon 08:00", "mon  08:00-09:00", "08:00 - 09:00", "08:60-09:00",
          "24:00-08:00", "24:01-08:00", "08:00-24:01", "25:00-26:00", "08.00-09.00", "0800-0900",
          "08:00-09:00-10:00", "08:00-09:00,10:00-11:00", "mon-fri 08:00-17:30 ", "+8:00-09:00",
          "08:00\n-09:00", "always", "mon;tue"}) {
        INFO(text);
        const auto time = WeekTime::parse(text);
        CHECK_FALSE(time);
        if (!time) CHECK_FALSE(time.error().remedy.empty());
    }
    CHECK_FALSE(WeekTime::parse(std::string_view("mon\0", 4)));
    const auto empty = WeekTime::parse("08:00-08:00");
    REQUIRE_FALSE(empty);
    CHECK_THAT(empty.error().text(), Contains("ends when it begins") && Contains("00:00-24:00"));
    CHECK_FALSE(WeekTime::parse("mon 00:00-00:00"));
}

TEST_CASE("a rule with when") {
    Situation s;  // Monday, 10:00
    const auto matches = [&](const std::string& value) { return meets("when: " + value, s); };
    CHECK(matches("mon"));
    CHECK(matches("mon-fri 08:00-17:30"));
    CHECK(matches("[sat, \"09:00-11:00\"]"));
    CHECK_FALSE(matches("tue-sun"));
    CHECK_FALSE(matches("mon 10:01-17:30"));
    CHECK_FALSE(matches("[sat, \"11:00-09:00\"]"));
    s.minute = at(sat, 2);
    CHECK(matches("fri 22:00-06:00"));
    CHECK_FALSE(matches("sat 22:00-06:00"));
    for (const std::uint16_t unknown : {Surroundings::no_minute, minutes_per_week}) {
        s.minute = unknown;
        CHECK_FALSE(matches("mon-sun"));
        CHECK_FALSE(meets("not: {when: sat}", s));
    }
}

TEST_CASE("the clock is looked at only where all else matches") {
    const auto looked = [](const std::string& keys) {
        const Situation s;
        const auto rules = compiled({"rules: [{name: r, " + keys + ", action: accept}]"});
        return rules->decide(s.flow(), s.around()).depends_on.has(Input::time);
    };
    CHECK(looked("when: sat"));
    CHECK(looked("port: 443, not: {when: sat}"));
    CHECK_FALSE(looked("port: 80, when: sat"));
    CHECK_FALSE(looked("package: wget, when: sat"));
}

TEST_CASE("errors of when have their place") {
    CHECK_THAT(refusal_of({"rules:\n  - name: r\n    when: [mon, never]\n    action: drop\n"}),
               StartsWith("a.yaml:3:17: rule \"r\": when: \"never\"") &&
                   Contains("mon-fri 08:00-17:30"));
}
