// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "rules/name_files.hpp"

using namespace doorward;

namespace {

std::string servers(std::string_view text) {
    std::string out;
    for (const auto& server : parse_resolv_conf(text)) out += server.to_string() + " ";
    return out;
}

std::string names(std::string_view text, std::size_t most = 100) {
    std::string out;
    for (const auto& [address, name] : parse_hosts(text, most).names)
        out += address.to_string() + "=" + name + " ";
    return out;
}

}  // namespace

TEST_CASE("resolv.conf names domains to search") {
    const auto domains = [](std::string_view text, std::size_t most = 6) {
        std::string out;
        for (const auto& domain : parse_search_domains(text, most)) out += domain + " ";
        return out;
    };
    CHECK(domains("nameserver 192.0.2.53\nsearch Office.Example example.org.\n") == "office.example example.org ");
    CHECK(domains("domain a.example b.example\n") == "a.example ");
    // The last line counts.
    CHECK(domains("search a.example b.example\ndomain c.example") == "c.example ");
    CHECK(domains("domain c.example\r\nsearch\ta.example") == "a.example ");
    CHECK(domains("search a.example\nsearch\n") == "");
    CHECK(domains("# search a.example\nsearching b.example\n;domain c.example\n") == "");
    CHECK(domains("search . a..b ok.example") == "ok.example ");
    CHECK(domains("search a.x b.x c.x", 2) == "a.x b.x ");
    CHECK(domains("") == "");
}

TEST_CASE("resolv.conf names servers") {
    CHECK(servers("# comment\nsearch example.org\nnameserver 192.0.2.53\r\n"
                  "nameserver\t2001:db8::53   # near\n  nameserver fe80::1%eth0\n"
                  "options edns0\nnameserver 127.0.0.53") ==
          "192.0.2.53 2001:db8::53 fe80::1 127.0.0.53 ");
    CHECK(servers("") == "");
    CHECK(servers("#nameserver 192.0.2.1\n;nameserver 192.0.2.1\nnameserver\nnameserver x\n"
                  "nameservers 192.0.2.1\nnameserver192.0.2.1\nnameserver 192.0.2.999\n") == "");
}

TEST_CASE("hosts names addresses") {
    CHECK(names("127.0.0.1 localhost\n\n192.0.2.7\tPrinter.example.org printer # by the door\n"
                "# 192.0.2.8 gone\n::1 localhost ip6-localhost\nfe80::1%lo0 near\r\n") ==
          "127.0.0.1=localhost 192.0.2.7=printer.example.org 192.0.2.7=printer ::1=localhost "
          "::1=ip6-localhost fe80::1=near ");
    CHECK(names("0.0.0.0 ads.example.net\n:: ads.example.net") == "");
}

TEST_CASE("what makes no sense in hosts is skipped and counted, and there is an end to it") {
    const auto odd = parse_hosts("nonsense here\n192.0.2.7 a_b ok b\xc3\xbc.de *.c\n192.0.2.8\n", 100);
    REQUIRE(odd.names.size() == 2);
    CHECK(odd.names[1].second == "ok");
    CHECK(odd.skipped == 3);
    const auto cut = parse_hosts("192.0.2.7 a b c d", 3);
    CHECK(cut.names.size() == 3);
    CHECK(cut.skipped == 1);
}
