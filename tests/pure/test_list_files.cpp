// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "fwd/list_files.hpp"
#include "lacks_root.hpp"
#include "rules/yaml_rules.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
    return result ? "accepted" : result.error().text();
}

}  // namespace

TEST_CASE("a list is read by the kind of its set") {
    TempFolder folder;
    folder.write("names", "0.0.0.0 ads.example\n0.0.0.0 www.ads.example\n");
    folder.write("addresses", "203.0.113.0/24\n2001:db8::1 # one\n");
    folder.write("ports", "# web\n80\n8000-8010\n");
    folder.write("digests", std::string(64, 'a') + "  /usr/bin/x\n");
    ListFiles lists;
    const auto names = lists.read(folder / "names", SetKind::domains);
    REQUIRE(names);
    CHECK((*names)->domains.contains("ads.example"));
    CHECK_FALSE((*names)->domains.contains("example"));
    const auto addresses = lists.read(folder / "addresses", SetKind::addresses);
    REQUIRE(addresses);
    CHECK((*addresses)->addresses.contains(*Address::parse("203.0.113.9")));
    CHECK_FALSE((*addresses)->addresses.contains(*Address::parse("203.0.114.9")));
    const auto ports = lists.read(folder / "ports", SetKind::ports);
    REQUIRE(ports);
    CHECK((*ports)->ports == std::vector<PortRange>{{80, 80}, {8000, 8010}});
    const auto digests = lists.read(folder / "digests", SetKind::sha256);
    REQUIRE(digests);
    CHECK((*digests)->sha256.size() == 1);
}

TEST_CASE("what is wrong with a list is told with its place") {
    TempFolder folder;
    folder.write("ports", "80\n\n70000\n");
    folder.write("html", "<!DOCTYPE html><html><body>Not found</body></html>\n");
    folder.write("empty", "# nothing\n");
    ListFiles lists;
    CHECK_THAT(error_of(lists.read(folder / "ports", SetKind::ports)),
               Catch::StartsWith(folder / "ports:3:1: "));
    CHECK_THAT(error_of(lists.read(folder / "html", SetKind::domains)),
               Catch::Contains(folder / "html"));
    CHECK_THAT(error_of(lists.read(folder / "empty", SetKind::domains)),
               Catch::Contains("no domains"));
    CHECK_THAT(error_of(lists.read(folder / "none", SetKind::domains)), Catch::Contains("none"));
    CHECK_THAT(error_of(lists.read(folder.path(), SetKind::domains)),
               Catch::Contains("no regular file"));
}

TEST_CASE("a list is read again when it is another file, and not before") {
    TempFolder folder;
    folder.write("list", "80\n");
    ListFiles lists;
    const auto first = lists.read(folder / "list", SetKind::ports);
    REQUIRE(first);
    CHECK(*lists.read(folder / "list", SetKind::ports) == *first);
    CHECK_FALSE(lists.changed());
    folder.write("list", "443 # longer\n");
    CHECK(lists.changed());
    CHECK((*lists.read(folder / "list", SetKind::ports))->ports ==
          std::vector<PortRange>{{443, 443}});
    CHECK_FALSE(lists.changed());
    ::unlink((folder / "list").c_str());
    CHECK(lists.changed());
    CHECK_FALSE(lists.read(folder / "list", SetKind::ports));
    CHECK_FALSE(lists.changed());  // it is known to be gone
    folder.write("list", "80\n");
    CHECK(lists.changed());        // and that it has come back
}

TEST_CASE("who could write to a list must be trusted") {
    if (lacks_root("to give files away")) return;
    TempFolder folder;
    folder.write("list", "80\n");
    ListFiles lists(Trust::root);
    CHECK(lists.read(folder / "list", SetKind::ports));
    ::chmod((folder / "list").c_str(), 0666);
    CHECK_THAT(error_of(lists.read(folder / "list", SetKind::ports)), Catch::Contains("by others"));
    ::chmod((folder / "list").c_str(), 0644);
    REQUIRE(::chown((folder / "list").c_str(), 65534, 0) == 0);
    CHECK_THAT(error_of(lists.read(folder / "list", SetKind::ports)), Catch::Contains("65534"));
}

TEST_CASE("a rule uses a list by the name of its set") {
    TempFolder folder;
    folder.write("names", "0.0.0.0 ads.example\n");
    ListFiles lists;
    Environment environment;
    environment.read_list = [&](const std::string& path, SetKind kind) {
        return lists.read(path, kind);
    };
    std::string text = "rules: [{name: a, domain: set:ads, action: drop}]\n";
    text += "sets: {ads: {domains: [tracker.example, 'file:";
    text += folder / "names";
    text += "']}}\n";
    const auto pack = parse_rule_pack(text, "f");
    REQUIRE(pack);
    const auto ruleset = Ruleset::compile({*pack}, {Action::accept, Action::accept}, environment);
    REQUIRE(ruleset);
    for (const auto& [name, action] : {std::pair("ads.example", Action::drop),
                                       std::pair("tracker.example", Action::drop),
                                       std::pair("www.example", Action::accept)}) {
        const std::string_view names[] = {name};
        Flow flow;
        flow.names = names;
        CHECK((*ruleset)->decide(flow, 0).action == action);
    }
}
