// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions taken apart, against std::regex, which shares nothing with it.
#include <catch2/catch.hpp>

#include <random>
#include <regex>

#include "rules/address.hpp"
#include "rules/glob.hpp"
#include "rules/regexp_states.hpp"
#include "rules/regexp_values.hpp"

using namespace doorward;
using Texts = std::vector<std::string>;

namespace {

std::string why_not(const auto& result) { return result ? "it can" : result.error().what; }

Regexp parsed(const std::string& text) {
    const auto regexp = parse_regexp(text);
    INFO(text << ": " << why_not(regexp));
    REQUIRE(regexp);
    return *regexp;
}

Texts paths(const std::string& text) { return path_patterns(parsed(text)).value_or(Texts{"not carried"}); }
Texts hosts(const std::string& text) { return host_names(parsed(text), false).value_or(Texts{"not carried"}); }
Texts networks(const std::string& text) { return prefixes_matched(parsed(text)).value_or(Texts{"not carried"}); }

// Random expressions of what is understood, and some of what is not.
class Expressions {
public:
    explicit Expressions(unsigned seed) : random_(seed) {}

    std::string next(std::string_view letters, int depth = 0) {
        std::string out;
        for (std::size_t count = 1 + below(4); count > 0; --count) {
            std::string atom;
            switch (below(depth < 2 ? 9 : 7)) {
                case 0: atom = "."; break;
                case 1: atom = "[" + std::string(below(4) == 0 ? "^" : "") + letter(letters) + letter(letters) + "]"; break;
                case 2: atom = "\\."; break;
                case 7: case 8: {
                    atom = "(" + next(letters, depth + 1) + (below(2) ? "|" + next(letters, depth + 1) : "") + ")";
                    break;
                }
                default: atom = letter(letters); break;
            }
            constexpr const char* repeats[] = {"", "", "", "", "", "*", "+", "?", "{2}", "{0,2}"};
            out += atom + repeats[below(std::size(repeats))];
        }
        return out;
    }

    std::string text(std::string_view letters, std::size_t most) {
        std::string out;
        for (std::size_t count = below(most + 1); count > 0; --count)
            out += letters[below(letters.size())];
        return out;
    }

    std::size_t below(std::size_t end) { return random_() % end; }

private:
    std::string letter(std::string_view letters) {
        const char c = letters[below(letters.size())];
        return std::string(std::string_view(".").contains(c) ? "\\" : "") + c;
    }
    std::mt19937 random_;
};

std::string anchored(Expressions& expressions, std::string text) {
    if (expressions.below(2)) text = "^(" + text + ")";
    if (expressions.below(2)) text += "$";
    return text;
}

}  // namespace

TEST_CASE("a regular expression matches what std::regex matches") {
    Expressions expressions(7);
    int understood = 0;
    for (int i = 0; i < 3000; ++i) {
        const std::string text = anchored(expressions, expressions.next("ab/."));
        const auto regexp = parse_regexp(text);
        if (!regexp) continue;
        ++understood;
        const std::regex other(text);
        const RegexpMachine machine(*regexp);
        for (int j = 0; j < 40; ++j) {
            const std::string trial = expressions.text("ab/.x", 6);
            INFO(text << " on \"" << trial << '"');
            const bool ours = machine.accepts(machine.after(machine.start(), trial));
            if (ours != std::regex_search(trial, other)) REQUIRE(false);
        }
    }
    CHECK(understood > 1500);
}

TEST_CASE("patterns of paths match what the expression matches, over all paths") {
    Expressions expressions(8);
    int carried = 0, matched = 0;
    for (int i = 0; i < 6000; ++i) {
        std::string text = expressions.next("ab/");
        if (expressions.below(3)) text = "^/" + text;
        if (expressions.below(2)) text += "$";
        const auto regexp = parse_regexp(text);
        if (!regexp) continue;
        const auto patterns = path_patterns(*regexp);
        if (!patterns) continue;
        ++carried;
        std::vector<Glob> globs;
        for (const std::string& pattern : *patterns) {
            INFO(text << " → " << pattern);
            REQUIRE(Glob::parse(pattern));
            globs.push_back(*Glob::parse(pattern));
        }
        const std::regex other(text);
        for (int j = 0; j < 60; ++j) {
            const std::string trial = "/" + expressions.text("aab/x", 7);
            if (trial.find("//") != trial.npos || trial.ends_with('/')) continue;
            const bool ours = std::any_of(globs.begin(), globs.end(),
                                          [&](const Glob& glob) { return glob.matches(trial); });
            INFO(text << " on " << trial << (patterns->empty() ? "" : " → " + patterns->front()));
            matched += ours ? 1 : 0;
            if (ours != std::regex_search(trial, other)) REQUIRE(false);
        }
    }
    CHECK(carried > 300);
    CHECK(matched > 1000);
}

TEST_CASE("names that an expression comes to are those that it matches") {
    Expressions expressions(9);
    int carried = 0;
    for (int i = 0; i < 6000; ++i) {
        constexpr const char* heads[] = {"^", "", "^(.*\\.)?", "^(|.*\\.)", ".*\\.", "\\.", "^.+\\."};
        const std::string text = heads[expressions.below(std::size(heads))] + expressions.next("ab.") +
                                 (expressions.below(4) ? "$" : "");
        const auto regexp = parse_regexp(text);
        if (!regexp) continue;
        const auto names = host_names(*regexp, false);
        if (!names) continue;
        ++carried;
        const std::regex other(text);
        for (int j = 0; j < 60; ++j) {
            const std::string trial = expressions.text("aab.", 7);
            if (trial.empty() || trial.front() == '.' || trial.back() == '.' || trial.find("..") != trial.npos) continue;
            bool ours = false;
            for (const std::string& name : *names)
                ours = ours || (name.starts_with("*.") ? trial.ends_with(name.substr(1)) && trial.size() >= name.size()
                                                       : trial == name);
            INFO(text << " on " << trial);
            if (ours != std::regex_search(trial, other)) REQUIRE(false);
        }
    }
    CHECK(carried > 200);
}

TEST_CASE("networks that an expression comes to are those whose addresses it matches") {
    constexpr const char* texts[] = {
        "^192\\.168\\..*", "140\\.82\\..*", "^(127\\..*|172\\..*|192.168\\..*|10\\..*)$", "^10\\.",
        "^10\\.[0-9]+\\.0\\.", "^192\\.0\\.2\\.(1|2)$", "^2001:db8::7$", ".*", "^[0-9.]*$",
        "^192\\.0\\.2\\.[0-9]$", "^(192\\.0\\.2\\.1|2001:db8::1)$", "^172\\.(1[6-9]|2[0-9]|3[01])\\."};
    std::mt19937 random(3);
    for (const std::string text : texts) {
        const auto prefixes = prefixes_matched(parsed(text));
        INFO(text << ": " << why_not(prefixes));
        REQUIRE(prefixes);
        const std::regex other(text);
        for (int i = 0; i < 3000; ++i) {
            constexpr unsigned likely[] = {10, 11, 127, 140, 82, 172, 192, 168, 0, 2, 1, 20};
            Address address;
            if (i % 8 == 0) {
                address = Address::parse(i % 16 == 0 ? "2001:db8::7" : "2001:db8::1").value();
            } else {
                std::array<std::uint8_t, 4> bytes;
                for (auto& byte : bytes)
                    byte = static_cast<std::uint8_t>(random() % 3 ? likely[random() % 12] : random());
                address = Address::v4(bytes);
            }
            bool ours = false;
            for (const std::string& prefix : *prefixes)
                ours = ours || Prefix::parse(prefix).value().contains(address);
            INFO(address.to_string());
            if (ours != std::regex_search(address.to_string(), other)) REQUIRE(false);
        }
    }
    CHECK(networks("^192\\.168\\..*") == Texts{"192.168.0.0/16"});
    CHECK(networks("^(127\\..*|172\\..*|192.168\\..*|10\\..*)$") ==
          Texts{"10.0.0.0/8", "127.0.0.0/8", "172.0.0.0/8", "192.168.0.0/16"});
    CHECK(networks(".*") == Texts{"0.0.0.0/0", "::/0"});
    for (const char* text : {"^fe80", "^1", "^(10|11)\\.[0-9]+\\.0\\."})
        CHECK(networks(text).front() == "not carried");
    CHECK(networks("7$").front() == "not carried");
}

TEST_CASE("paths that an expression comes to") {
    CHECK(paths("^/usr/bin/curl$") == Texts{"/usr/bin/curl"});
    CHECK(paths("^(/usr/sbin/ntpd|/usr/bin/dirmngr)$") == Texts{"/usr/sbin/ntpd", "/usr/bin/dirmngr"});
    CHECK(paths("^/opt/tool/.*") == Texts{"/opt/tool/**"});
    CHECK(paths("^/opt/.*/tool$") == Texts{"/opt/?**/tool"});
    CHECK(paths("/tool$") == Texts{"/**/tool"});
    CHECK(paths("^/usr/lib/[^/]+/x$") == Texts{"/usr/lib/?*/x"});
    CHECK(paths("^/tmp/\\.mount_Eden8x[0-9A-Za-z]{2}\\/.*eden$") ==
          Texts{"/tmp/.mount_Eden8x[0-9A-Za-z][0-9A-Za-z]/**eden"});
    CHECK(paths("^/a\\*b$") == Texts{"/a\\*b"});
    CHECK(paths("^/b[]a!-]$") == Texts{"/b[]a!-]"});
    CHECK(paths("^/caf\xc3\xa9$") == Texts{"/caf\xc3\xa9"});
    CHECK(paths("^usr").empty());
    for (const char* text : {"^/usr/bin/python[0-9.]*$", "^/snap/x/[0-9]+/y$", "^/usr.bin/x$", "^/a.+", "[/a]b$"})
        CHECK(paths(text).front() == "not carried");
}

TEST_CASE("host names that an expression comes to") {
    CHECK(hosts("^www\\.example\\.org$") == Texts{"www.example.org"});
    CHECK(hosts("^(|.*\\.)example\\.org$") == Texts{"example.org", "*.example.org"});
    CHECK(hosts(".*\\.example\\.org$") == Texts{"*.example.org"});
    CHECK(hosts("\\.example\\.org$") == Texts{"*.example.org"});
    CHECK(hosts("^(a|b)\\.example\\.org$") == Texts{"a.example.org", "b.example.org"});
    CHECK(hosts("^(.*\\.)*example\\.org$") == Texts{"example.org", "*.example.org"});
    for (const char* text : {"example\\.org$", "^example\\.org", "^www.example.org$", "^[a-z]+\\.example\\.org$",
                             ".*", "^.*$", "ads", "^ads[0-9]*\\."})
        CHECK(hosts(text).front() == "not carried");
    CHECK(host_names(parsed("^(|.*\\.)example\\.org"), true).value() == Texts{"example.org", "*.example.org"});
    CHECK(host_names(parsed("^(|.*\\.)example\\.org.*"), true).value() == Texts{"example.org", "*.example.org"});
    CHECK_FALSE(host_names(parsed("example\\.org"), true));
}

TEST_CASE("the ports of an expression are those that it matches") {
    for (const char* text : {"^(53|80|443)$", "^[1-9]?[05]2$", "7", "^0", "0$", "^6553", "(12|1.*3)4*$", "^x", "."}) {
        CAPTURE(text);
        const Regexp regexp = parsed(text);
        std::vector<bool> matched(65536);
        for (const PortRange& range : ports_matched(regexp))
            for (unsigned port = range.first; port <= range.last; ++port) matched[port] = true;
        bool same = true;
        for (unsigned port = 0; port <= 65535; ++port)
            same = same && matched[port] == is_matched(regexp, std::to_string(port));
        CHECK(same);
    }
}

TEST_CASE("ports and texts that an expression comes to") {
    CHECK(ports_matched(parsed("^(53|80|443)$")) == std::vector<PortRange>{{53, 53}, {80, 80}, {443, 443}});
    CHECK(ports_matched(parsed("^555[1-5]$")) == std::vector<PortRange>{{5551, 5555}});
    CHECK(ports_matched(parsed(".*")) == std::vector<PortRange>{{0, 65535}});
    CHECK(ports_matched(parsed("^x$")).empty());
    CHECK(texts_matched(parsed("^(0|115|118)$"), "0123456789").value() == Texts{"0", "115", "118"});
    CHECK(texts_matched(parsed("^10.$"), "0123456789").value().size() == 10);
    CHECK_FALSE(texts_matched(parsed("^10.*$"), "0123456789"));
    CHECK_FALSE(texts_matched(parsed("^1000"), "0123456789"));
}

TEST_CASE("what is no such expression, or not understood, is refused with the place in it") {
    for (const char* text : {"(", ")", "a**", "a{2}{3}", "*a", "[a", "[z-a]", "\\", "\\bfoo", "(?=a)", "(?<!a)",
                             "a^b", "[[:alpha:]]", "\\pL", "\\1", "(?U)a", "(ab)*", "((a{60}){60}){60}", "(?i)\xc3\xa9",
                             "a{65}", "a{3,2}", "(((((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))))"}) {
        const auto regexp = parse_regexp(text);
        INFO(text);
        REQUIRE_FALSE(regexp);
        CHECK_FALSE(regexp.error().what.empty());
    }
}

TEST_CASE("an expression for texts in lower case matches the same texts in any case") {
    const auto folded = matched_in_lower_case(parsed("^/opt/[a-c]ool$"));
    REQUIRE(folded);
    for (const char* text : {"/opt/aool", "/OPT/Bool", "/Opt/COOL"}) CHECK(is_matched(*folded, text));
    CHECK_FALSE(is_matched(*folded, "/opt/dool"));
    CHECK_FALSE(is_matched(matched_in_lower_case(parsed("^A$")).value(), "A"));
    CHECK_FALSE(matched_in_lower_case(parsed("^\xc3\xa9$")));
    CHECK(is_matched(parsed("(?i)abc"), "xABcx"));
    CHECK_FALSE(is_matched(parsed("(?i:a)b"), "AB"));
}
