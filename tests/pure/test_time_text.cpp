// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "rules/time_text.hpp"

using namespace doorward;

TEST_CASE("times with an offset are read and written in UTC") {
    CHECK(parse_time("1970-01-01T00:00:00Z") == 0);
    CHECK(parse_time("2027-01-31T18:00:00Z") == 1801418400);
    CHECK(parse_time("2027-01-31T19:00:00+01:00") == 1801418400);
    CHECK(parse_time("2027-01-31T12:30:00-05:30") == 1801418400);
    CHECK(parse_time("2028-02-29T00:00:00Z") == 1835395200);
    CHECK(parse_time("9999-12-31T23:59:59Z") == 253402300799);
    CHECK(format_time(0) == "1970-01-01T00:00:00Z");
    CHECK(format_time(1801418400) == "2027-01-31T18:00:00Z");
    CHECK(format_time(253402300799) == "9999-12-31T23:59:59Z");
}

TEST_CASE("what is no definite point in time is refused") {
    for (const char* text :
         {"", "2027-01-31", "2027-01-31T18:00:00", "2027-01-31T18:00Z", "2027-01-31 18:00:00Z",
          "2027-01-31t18:00:00z", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z",
          "2027-00-01T00:00:00Z", "2027-01-00T00:00:00Z", "2027-01-32T00:00:00Z",
          "2027-01-31T24:00:00Z", "2027-01-31T18:60:00Z", "2027-01-31T18:00:60Z",
          "2027-01-31T18:00:00.5Z", "2027-01-31T18:00:00+1:00", "2027-01-31T18:00:00+01",
          "2027-01-31T18:00:00+24:00", "2027-01-31T18:00:00Z ", " 2027-01-31T18:00:00Z",
          "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
          "+027-01-31T18:00:00Z", "2027-1-31T18:00:00Z", "tomorrow", "1801418400"}) {
        INFO(text);
        CHECK_FALSE(parse_time(text));
    }
}
