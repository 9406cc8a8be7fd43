// SPDX-License-Identifier: GPL-2.0-or-later
// Blocklists: what is taken from each format, what is left out, and how it is told.
#include <catch2/catch.hpp>

#include "rules/list_format.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

namespace {

struct Read {
    ListReport report;
    DomainSet names;
    PrefixSet addresses;

    std::size_t skipped(Skip reason) const {
        return report.skipped[static_cast<std::size_t>(reason)];
    }
    bool has(std::string_view address) const {
        return addresses.contains(Address::parse(address).value());
    }
};

Result<Read> try_read(std::string_view text, ListFormat format = ListFormat::automatic,
                      const ListOptions& options = {}) {
    DomainSetBuilder names({1, 2});
    PrefixSetBuilder addresses;
    auto report = read_list(text, format, {&names, &addresses}, options);
    if (!report) return std::unexpected(report.error());
    return Read{*report, std::move(names).finish(), std::move(addresses).finish()};
}

Read read(std::string_view text, ListFormat format = ListFormat::automatic,
          const ListOptions& options = {}) {
    return try_read(text, format, options).value();
}

}  // namespace

TEST_CASE("a hosts file: names that lead nowhere, and only those") {
    const Read list = read("# Title: ads\n"
                           "127.0.0.1 localhost localhost.localdomain\n"
                           "::1 ip6-localhost ip6-loopback\n"
                           "fe80::1%lo0 localhost\n"
                           "ff02::1 ip6-allnodes\n"
                           "0.0.0.0 0.0.0.0\n"
                           "0.0.0.0 Ads.Example  track.example\ttrack2.example. # two more\r\n"
                           "127.0.0.1\tlocal.example\n"
                           ":: six.example#close\n"
                           "203.0.113.9 redirected.example\n"
                           "0.0.0.0\n"
                           "nonsense line here\n"
                           "0.0.0.0 b\xc3\xbc"
                           "cher.example\n"
                           "0.0.0.0 last.example");
    CHECK(list.report.format == ListFormat::hosts);
    CHECK(list.report.lines == 14);
    CHECK(list.report.names == 6);
    CHECK(list.names.size() == 6);
    for (const char* in : {"ads.example", "track.example", "track2.example", "local.example",
                           "six.example", "last.example"})
        CHECK(list.names.contains(in));
    for (const char* out : {"www.ads.example", "localhost", "redirected.example", "two", "more",
                            "0.0.0.0", "ip6-allnodes"})
        CHECK_FALSE(list.names.contains(out));
    CHECK(list.skipped(Skip::own_name) == 7);
    CHECK(list.skipped(Skip::elsewhere) == 1);
    CHECK(list.skipped(Skip::syntax) == 2);
    CHECK(list.skipped(Skip::not_ascii) == 1);
    CHECK(list.report.skipped_in_all() == 11);
    CHECK(list.addresses.empty());
}

TEST_CASE("plain names: itself, below, or both") {
    const Read list = read("! a comment\nitself.example\n*.below.example # why\n.both.example\n"
                           "UPPER.example.\nitself.example\n203.0.113.7\nhttps://page.example/x\n"
                           "two words\n*\na..b\nfoo.*.example\n300.1.1.1\n2001:db8::/32\n",
                           ListFormat::domains);
    CHECK(list.names.contains("itself.example"));
    CHECK_FALSE(list.names.contains("www.itself.example"));
    CHECK(list.names.contains("www.below.example"));
    CHECK_FALSE(list.names.contains("below.example"));
    CHECK(list.names.contains("both.example"));
    CHECK(list.names.contains("www.both.example"));
    CHECK(list.names.contains("upper.example"));
    CHECK(list.has("203.0.113.7"));
    CHECK_FALSE(list.has("203.0.113.8"));
    CHECK(list.has("2001:db8::1"));
    CHECK(list.report.names == 5);
    CHECK(list.report.repeated == 1);
    CHECK(list.report.prefixes == 2);
    CHECK(list.report.entries() == 7);
    CHECK(list.skipped(Skip::path) == 1);
    CHECK(list.skipped(Skip::syntax) == 5);
}

TEST_CASE("whole domains: names cover what is below, wildcards the name") {
    const Read list = read("itself.example\n*.below.example\n", ListFormat::domains,
                           {.whole_domains = true});
    for (const char* in : {"itself.example", "www.itself.example", "below.example", "a.below.example"})
        CHECK(list.names.contains(in));
    CHECK_FALSE(list.names.contains("example"));
    CHECK_FALSE(list.names.contains("notbelow.example"));
}

TEST_CASE("an adblock list: what can be said of a host") {
    const Read list = read("[Adblock Plus 2.0]\n! Title: x\n# comment\n#########\n"
                           "||ads.example^\n||third.example^$third-party\n||pop.example^$popup,3p\n"
                           "||end.example^|\n||*.deep.example^\n||9.9.9.9^\n"
                           "@@||good.ads.example^\n||worst.good.ads.example^$important\n"
                           "plain.example\n0.0.0.0 hosts.example # https://why.example/\n");
    CHECK(list.report.format == ListFormat::adblock);
    for (const char* in : {"ads.example", "www.ads.example", "third.example", "pop.example",
                           "end.example", "a.deep.example", "plain.example", "hosts.example",
                           "worst.good.ads.example"})
        CHECK(list.names.contains(in));
    for (const char* out : {"good.ads.example", "www.good.ads.example", "deep.example",
                            "www.plain.example", "badads.example", "why.example"})
        CHECK_FALSE(list.names.contains(out));
    CHECK(list.has("9.9.9.9"));
    CHECK(list.report.names == 8);
    CHECK(list.report.exceptions == 1);
    CHECK(list.report.skipped_in_all() == 0);
}

TEST_CASE("an adblock list: what can't be said is counted by its kind") {
    const auto only = [](std::string_view line) -> std::string {
        const Read list = read(line, ListFormat::adblock);
        CHECK(list.report.entries() == 0);
        CHECK(list.names.empty());
        CHECK(list.report.skipped_in_all() == 1);
        REQUIRE(list.report.examples.size() == 1);
        CHECK(list.report.examples[0].line == 1);
        CHECK(list.report.examples[0].column == 1);
        return std::string(skip_name(list.report.examples[0].reason));
    };
    for (const char* line : {"example.org##.ad", "##.ad", "example.org#@#.ad", "#@#.ad",
                             "example.org#?#div:has(a)", "example.org#$#body { }",
                             "example.org#@$?#x", "example.org$$script[tag=\"a\"]"})
        CHECK(only(line) == "cosmetic");
    for (const char* line : {"||x.example/ads/", "||x.example^*/ad", "||x.example:8080^", "/banner/*",
                             "|https://x.example^", "https://x.example/", "?ad=", "@@/ok/x"})
        CHECK(only(line) == "path");
    for (const char* line : {"/ads[0-9]+/", "/x/$script", "@@/a/"}) CHECK(only(line) == "regex");
    for (const char* line : {"||x.example", "||ads.*^", "||a*b.example^", "||x.^", "ads", "-ad-^",
                             "@@x.example", "x.example$script", "ad*.example"})
        CHECK(only(line) == "pattern");
    for (const char* line : {"||x.example^$script", "||x.example^$domain=y.example",
                             "||x.example^$~third-party", "||x.example^$third-party,image",
                             "@@||x.example^$important", "||x.example^$dnsrewrite=1.2.3.4"})
        CHECK(only(line) == "narrow");
    CHECK(only("||x.example^$third-party,badfilter") == "badfilter");
}

TEST_CASE("a dnsmasq file: names that are answered with nothing") {
    const Read list = read("# comment\naddress=/nx.example/\naddress=/zero.example/0.0.0.0 # why\n"
                           "address=/six.example/::\nserver=/server.example/\nlocal=/local.example/\n"
                           "address=/one.example/two.example/127.0.0.1\n"
                           "address=/real.example/203.0.113.7\nserver=/normal.example/#\n"
                           "server=/fwd.example/9.9.9.9#53\naddress=/#/0.0.0.0\n"
                           "address=/*.star.example/\naddress=/open\ncache-size=100\n");
    CHECK(list.report.format == ListFormat::dnsmasq);
    for (const char* in : {"nx.example", "www.nx.example", "zero.example", "six.example",
                           "server.example", "local.example", "one.example", "two.example"})
        CHECK(list.names.contains(in));
    for (const char* out : {"real.example", "normal.example", "fwd.example", "a.star.example", "example"})
        CHECK_FALSE(list.names.contains(out));
    CHECK(list.report.names == 7);
    CHECK(list.skipped(Skip::elsewhere) == 3);
    CHECK(list.skipped(Skip::pattern) == 1);
    CHECK(list.skipped(Skip::syntax) == 3);
}

TEST_CASE("addresses, prefixes and ranges") {
    const Read list = read("; Spamhaus\n# x\n203.0.113.0/24 ; SBL1\n198.51.100.7\n"
                           "192.0.2.10-192.0.2.12\n192.0.2.20 - 192.0.2.21 # range\n2001:db8::/32\n"
                           "2001:db9::1-2001:db9::f\n203.0.113.1/24\n192.0.2.9-192.0.2.1\n"
                           "192.0.2.1-2001:db8::1\nads.example\n300.1.1.1\n1.2.3.4/33\n1.2.3.4 5\n");
    CHECK(list.report.format == ListFormat::addresses);
    for (const char* in : {"203.0.113.200", "198.51.100.7", "192.0.2.10", "192.0.2.12", "192.0.2.21",
                           "2001:db8::5", "2001:db9::f"})
        CHECK(list.has(in));
    for (const char* out : {"203.0.114.0", "198.51.100.8", "192.0.2.9", "192.0.2.13", "192.0.2.22",
                            "2001:db9::10", "1.2.3.4"})
        CHECK_FALSE(list.has(out));
    CHECK(list.report.prefixes == 6);
    CHECK(list.skipped(Skip::host_bits) == 1);
    CHECK(list.skipped(Skip::syntax) == 6);
    CHECK(list.names.empty());
}

TEST_CASE("the format is told by the first lines that say something") {
    const auto format = [](std::string_view text) {
        return std::string(list_format_name(read(text).report.format));
    };
    CHECK(format("\xef\xbb\xbf# x\r\n\r\n0.0.0.0 a.example\r\n") == "hosts");
    CHECK(format("! AdGuard\n||a.example^\n") == "adblock");
    CHECK(format("a.example\nb.example\n@@||c.example^\n") == "adblock");
    CHECK(format("0.0.0.0 a.example # ## here\n0.0.0.0 b.example #### there\n") == "hosts");
    CHECK(format("a.example\nnonsense\nb.example\n") == "domains");
    CHECK(format("*.a.example\n") == "domains");
    CHECK(format("example.org##.ad\nexample.net##.ad\n||x^\n") == "adblock");
    CHECK(format("10.0.0.1/8\n10.0.0.0/8\n") == "addresses");
    CHECK(format("::1\n") == "addresses");
    CHECK(format("local=/a.example/\n") == "dnsmasq");
    CHECK(format("") == "auto");
    CHECK(format("# nothing\n\n!\n") == "auto");
}

TEST_CASE("what is no list is refused") {
    const auto error = [](std::string_view text, ListFormat format = ListFormat::automatic) {
        const auto list = try_read(text, format);
        REQUIRE_FALSE(list);
        CHECK_FALSE(list.error().remedy.empty());
        return list.error().what;
    };
    CHECK_THAT(error("<!DOCTYPE html>\n<html>"), Contains("page"));
    CHECK_THAT(error("\n  <html>", ListFormat::hosts), Contains("page"));
    CHECK_THAT(error("{\"error\": \"not found\"}\n"), Contains("no format"));
    CHECK_THAT(error("Not Found\n"), Contains("no format"));
    CHECK_THAT(error(std::string("\x1f\x8b\x08\0\0\n\0x", 8)), Contains("no format"));
    CHECK_THAT(error("hello\na.example\nwhat is this\n"), Contains("no format"));
}

TEST_CASE("examples say where, the first few of each kind") {
    const Read list = read("0.0.0.0 a.example bad/one  bad/two\n0.0.0.0 b_d$1\n"
                           "0.0.0.0 $2\n0.0.0.0 $3\n0.0.0.0 $4\n" "0.0.0.0 " + std::string(300, 'x') +
                           "\n");
    const auto& examples = list.report.examples;
    REQUIRE(examples.size() == 5);
    CHECK((examples[0].line == 1 && examples[0].column == 19 && examples[0].text == "bad/one"));
    CHECK(examples[0].reason == Skip::path);
    CHECK((examples[1].column == 28 && examples[2].line == 2 && examples[4].text == "$3"));
    CHECK(list.skipped(Skip::syntax) == 5);
}

TEST_CASE("hostile bytes, lies and long lines do no harm") {
    CHECK(read(std::string("0.0.0.0 a\0b.example\n", 20), ListFormat::hosts).names.empty());
    CHECK(read("0.0.0.0 \x1b[31m.example\n", ListFormat::hosts).skipped(Skip::syntax) == 1);
    for (const ListFormat format : all_list_formats()) {
        if (format == ListFormat::automatic) continue;
        for (const char byte : {'a', '.', '#', '$', '/', '|', ' ', '-', '\0', '\r'}) {
            std::string text(10 << 20, byte);
            const Read one = read(text, format);
            CHECK(one.report.lines == 1);
            CHECK(one.skipped(Skip::too_long) == 1);
            for (std::size_t i = 1000; i < text.size(); i += 60'000) text[i] = '\n';
            const Read many = read(text, format);
            CHECK(many.report.entries() == 0);
            CHECK(many.report.examples.size() < 20);
        }
    }
    std::string marks;
    for (int i = 0; i < 20'000; ++i) marks += "#?@#$";
    CHECK(read(marks, ListFormat::adblock, {.longest_line = 1 << 20}).names.empty());
}

TEST_CASE("a set that is full, or of the other kind, is told") {
    DomainSetBuilder names({1, 2}, {.names = 1});
    const auto report = read_list("a.example\nb.example\n9.9.9.9\n", ListFormat::domains, {&names});
    REQUIRE(report);
    CHECK(report->names == 1);
    CHECK(report->skipped[static_cast<std::size_t>(Skip::full)] == 1);
    CHECK(report->skipped[static_cast<std::size_t>(Skip::wrong_kind)] == 1);

    PrefixSetBuilder addresses(1);
    const auto other = read_list("a.example\n9.9.9.9\n9.9.9.8-9.9.9.9\n", ListFormat::domains,
                                 {.prefixes = &addresses});
    REQUIRE(other);
    CHECK(other->prefixes == 1);
    CHECK(other->skipped[static_cast<std::size_t>(Skip::wrong_kind)] == 1);
    CHECK(other->skipped[static_cast<std::size_t>(Skip::syntax)] == 1);
}

TEST_CASE("formats and reasons have names of their own") {
    for (const ListFormat format : all_list_formats())
        CHECK(parse_list_format(list_format_name(format)) == format);
    CHECK_FALSE(parse_list_format("?"));
    CHECK_FALSE(parse_list_format(""));
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < skip_kinds; ++i) {
        names.push_back(skip_name(static_cast<Skip>(i)));
        CHECK(names.back() != "?");
        CHECK(skip_text(static_cast<Skip>(i)) != "?");
    }
    std::ranges::sort(names);
    CHECK(std::ranges::adjacent_find(names) == names.end());
}
