// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "rules/injections.hpp"

using namespace doorward;

TEST_CASE("what is injected is written as words, and read again") {
    for (unsigned found = 0; found <= Injections::all; ++found)
        for (unsigned unknown = 0; unknown <= Injections::all; ++unknown) {
            if (found & unknown) continue;
            const Injections injections{static_cast<std::uint8_t>(found), static_cast<std::uint8_t>(unknown)};
            CHECK(parse_injections(to_text(injections)) == injections);
        }
    CHECK(to_text({}).empty());
    CHECK(to_text({.found = 5, .unknown = 2}) == "preload,library-path?,tracer");
    for (const char* wrong : {"any", "any?", "preload;tracer", "Preload", "preload ", ",preload", "preload,,tracer", "?"})
        CHECK_FALSE(parse_injections(wrong));
}
