// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <chrono>
#include <random>
#include <string>

#include "oracle.hpp"
#include "rules/glob.hpp"

using namespace doorward;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
    INFO("pattern " << pattern << " text " << text);
    const auto glob = Glob::parse(pattern);
    REQUIRE(glob);
    const bool result = glob->matches(text);
    CHECK(result == (!text.empty() && oracle::glob_matches(pattern, text)));
    return result;
}

GlobError refused(std::string_view pattern) {
    INFO("pattern " << pattern);
    const auto glob = Glob::parse(pattern);
    REQUIRE_FALSE(glob);
    return glob.error();
}

}  // namespace

TEST_CASE("one star stays within a directory") {
    CHECK(matches("/opt/*/tool", "/opt/a/tool"));
    CHECK_FALSE(matches("/opt/*/tool", "/opt/a/b/tool"));
    CHECK_FALSE(matches("/opt/*/tool", "/opt/tool"));
    CHECK(matches("/usr/bin/py*", "/usr/bin/python3.11"));
    CHECK(matches("/usr/bin/py*", "/usr/bin/py"));
    CHECK_FALSE(matches("/usr/bin/py*", "/usr/bin/py/x"));
    CHECK_FALSE(matches("/usr/bin/py*", "/usr/bin/perl"));
    CHECK(matches("/*a*b*", "/xaybz"));
    CHECK(matches("/*ab", "/aaab"));
    CHECK_FALSE(matches("/*ab", "/aaba"));
    CHECK(matches("/home/*/.local/*", "/home/alice/.local/.hidden"));
}

TEST_CASE("two stars cross directories") {
    CHECK(matches("/**", "/a"));
    CHECK(matches("/**", "/a/b/c"));
    CHECK(matches("/opt/**", "/opt/a/b"));
    CHECK_FALSE(matches("/opt/**", "/opt"));
    CHECK_FALSE(matches("/opt/**", "/optional"));
    CHECK(matches("/opt/**tool", "/opt/a/b/xtool"));
    CHECK(matches("/opt/a**z", "/opt/ab/cz"));
    CHECK_FALSE(matches("/opt/a**z", "/opt/ab/cy"));
}

TEST_CASE("two stars as a whole component are any number of directories") {
    CHECK(matches("/opt/**/tool", "/opt/tool"));
    CHECK(matches("/opt/**/tool", "/opt/a/tool"));
    CHECK(matches("/opt/**/tool", "/opt/a/b/c/tool"));
    CHECK_FALSE(matches("/opt/**/tool", "/opt/xtool"));
    CHECK_FALSE(matches("/opt/**/tool", "/opt/a/xtool"));
    CHECK_FALSE(matches("/opt/**/tool", "/opttool"));
    CHECK_FALSE(matches("/opt/**/tool", "/opt/tool/a"));
    CHECK(matches("/**/bin/*", "/bin/ls"));
    CHECK(matches("/**/bin/*", "/usr/local/bin/ls"));
    CHECK_FALSE(matches("/**/bin/*", "/sbin/ls"));
    CHECK(matches("/a/**/**/b", "/a/b"));
    CHECK(matches("/a/**/**/b", "/a/c/d/b"));
}

TEST_CASE("question marks and sets take one byte, never a slash") {
    CHECK(matches("/bin/?h", "/bin/sh"));
    CHECK_FALSE(matches("/bin/?h", "/bin/h"));
    CHECK_FALSE(matches("/bin/?h", "/bin/bsh"));
    CHECK_FALSE(matches("/bin?sh", "/bin/sh"));
    CHECK(matches("/lib/php[0-9].[0-9]", "/lib/php8.2"));
    CHECK_FALSE(matches("/lib/php[0-9].[0-9]", "/lib/phpx.2"));
    CHECK(matches("/x[!0-9]", "/xa"));
    CHECK_FALSE(matches("/x[!0-9]", "/x1"));
    CHECK_FALSE(matches("/x[!0-9]y", "/x/y"));
    CHECK_FALSE(matches("/x[+-9]y", "/x/y"));  // the range spans '/'
    CHECK(matches("/x[]a]", "/x]"));
    CHECK(matches("/x[!]a]", "/xb"));
    CHECK(matches("/x[a-]", "/x-"));
    CHECK(matches("/x[-a]", "/x-"));
    CHECK_FALSE(matches("/x[a-]", "/xb"));
    CHECK(matches("/x[!a]", "/x\xff"));
    CHECK(matches("/??", "/\xc3\xa9"));  // bytes, not characters
}

TEST_CASE("a backslash takes a special character as it is") {
    CHECK(matches("/usr/bin/\\[", "/usr/bin/["));
    CHECK(matches("/a\\*b", "/a*b"));
    CHECK_FALSE(matches("/a\\*b", "/axb"));
    CHECK(matches("/a\\\\b", "/a\\b"));
    CHECK(matches("/a\\?*", "/a?c"));
}

TEST_CASE("no pattern matches the empty path") {
    for (const char* pattern : {"*", "**", "", "/**", "**/", "?"})
        CHECK_FALSE(matches(pattern, ""));
}

TEST_CASE("what is a pattern and what is a path") {
    CHECK(Glob::is_pattern("/a*"));
    CHECK(Glob::is_pattern("/a?"));
    CHECK(Glob::is_pattern("/usr/bin/["));
    CHECK(Glob::is_pattern("/a\\b"));
    CHECK_FALSE(Glob::is_pattern("/usr/bin/curl"));
    CHECK_FALSE(Glob::is_pattern("/a]{b}"));
}

TEST_CASE("bad patterns are refused with the byte at fault") {
    CHECK(refused("/a[bc").offset == 2);
    CHECK(refused("/a[").offset == 2);
    CHECK(refused("/a[]").offset == 2);
    CHECK(refused("/a[!]").offset == 2);
    CHECK(refused("/a[b-").offset == 2);
    CHECK(refused("/a[^b]").remedy == "write [! for \"none of these\"");
    CHECK(refused("/a[z-a]").offset == 3);
    CHECK(refused("/a[b/c]").offset == 4);
    CHECK(refused("/a[\\]]").offset == 3);
    CHECK(refused("/a[\xc3\xa9]").offset == 3);
    CHECK(refused("/a***").offset == 2);
    CHECK(refused("/a\\").offset == 2);
    CHECK(refused("/a\\b").offset == 2);
    CHECK(refused("/" + std::string(Glob::max_steps, '?')).what == "pattern is too long");
    CHECK(Glob::parse("/" + std::string(Glob::max_steps - 1, '?')));
}

TEST_CASE("a hostile pattern takes no longer than its length times the text's") {
    std::string pattern = "/";
    for (int i = 0; i < 120; ++i) pattern += "*a/**/";
    pattern.resize(400);
    pattern += "b";
    std::string text = "/";
    while (text.size() < 4095) text += "aaaa/a";
    const auto start = std::chrono::steady_clock::now();
    const auto glob = Glob::parse(pattern);
    REQUIRE(glob);
    CHECK_FALSE(glob->matches(text));
    const auto stars = Glob::parse("/" + [] {
        std::string s;
        for (int i = 0; i < 200; ++i) s += "*a";
        return s;
    }() + "b");
    REQUIRE(stars);
    CHECK_FALSE(stars->matches("/" + std::string(4094, 'a')));
    // Backtracking would take longer than the universe has; this allows for sanitizers.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("random patterns agree with the recursive definition") {
    constexpr const char* parts[] = {"a", "b", "/", "*", "**", "?", "[ab]", "[!a]", "/**/", "\\*"};
    constexpr const char letters[] = {'a', 'b', '/', '*', 'c'};
    std::mt19937_64 random(20261);
    int parsed = 0;
    int matched = 0;
    for (int round = 0; round < 40000; ++round) {
        std::string pattern = "/";
        for (auto count = random() % 8; count > 0; --count) pattern += parts[random() % 10];
        std::string text = "/";
        for (auto count = random() % 9; count > 0; --count) text += letters[random() % 5];
        const auto glob = Glob::parse(pattern);
        if (!glob) continue;
        ++parsed;
        const bool result = glob->matches(text);
        matched += result;
        INFO("round " << round << " pattern " << pattern << " text " << text);
        REQUIRE(result == oracle::glob_matches(pattern, text));
    }
    CHECK(parsed > 20000);
    CHECK(matched > 1000);
}
