// SPDX-License-Identifier: GPL-2.0-or-later
// Which blocklists are fetched, what is known of each, and when a new copy is refused.
#include <catch2/catch.hpp>

#include <limits>

#include <sys/stat.h>

#include "cli_fixture.hpp"
#include "fwd/list_update.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

ListsConfig parse(const std::string& text) { return parse_lists_config(text, "l.yaml").value(); }

std::string error_of(const std::string& text) {
    const auto config = parse_lists_config(text, "l.yaml");
    REQUIRE_FALSE(config);
    CHECK_FALSE(config.error().remedy.empty());
    return config.error().text();
}

std::string list(const std::string& keys) { return "lists:\n  - {name: ads, " + keys + "}\n"; }

}  // namespace

TEST_CASE("lists.yaml: what is asked for, and the defaults") {
    const auto config = parse("proxy: http://proxy.example:3128\n"
                              "lists:\n"
                              "  - {name: ads, url: 'https://a.example/x'}\n"
                              "  - name: drop_2\n"
                              "    url: http://b.example/y\n"
                              "    insecure: true\n"
                              "    format: addresses\n"
                              "    refresh_hours: 1\n"
                              "    max_bytes: 1000\n"
                              "    timeout_seconds: 5\n"
                              "    shrink: allow\n"
                              "    ca_file: /etc/ca.pem\n"
                              "  - {name: own, file: /etc/own}\n");
    CHECK(config.proxy == "http://proxy.example:3128");
    REQUIRE(config.lists.size() == 3);
    const ListSource& first = config.lists[0];
    CHECK(first.source() == "https://a.example/x");
    CHECK(first.format == ListFormat::automatic);
    CHECK((first.refresh_hours == 24 && first.max_bytes == 64 << 20 && first.timeout_seconds == 120));
    CHECK((!first.insecure && first.shrink == Shrink::refuse && first.ca_file.empty()));
    const ListSource& second = config.lists[1];
    CHECK(second.format == ListFormat::addresses);
    CHECK((second.refresh_hours == 1 && second.max_bytes == 1000 && second.timeout_seconds == 5));
    CHECK((second.insecure && second.shrink == Shrink::allow && second.ca_file == "/etc/ca.pem"));
    CHECK(config.lists[2].source() == "/etc/own");
    CHECK(parse("").lists.empty());
    CHECK(parse("# nothing\n").proxy.empty());
}

TEST_CASE("lists.yaml: what makes no sense is refused, with its place") {
    CHECK_THAT(error_of("lists:\n  - name: ads\n    url: http://a.example/x\n"),
               Contains("l.yaml:3:10") && Contains("insecure: true"));
    CHECK_THAT(error_of("lists:\n  - name: ads\n    color: red\n"), Contains("l.yaml:3:5"));
    for (const char* name : {"../x", "Ads", ".x", "-x", "a b", "ads.state", "a/b"})
        CHECK_THAT(error_of("lists: [{name: '" + std::string(name) + "', url: 'https://a/'}]"),
                   Contains("no name for a list"));
    CHECK_THAT(error_of("lists: [{url: 'https://a/'}]"), Contains("no name"));
    CHECK_THAT(error_of(list("format: hosts")), Contains("either url or file"));
    CHECK_THAT(error_of(list("url: 'https://a/', file: /x")), Contains("either url or file"));
    for (const char* url : {"ftp://a/", "file:///etc/passwd", "HTTPS://a/", "a.example", "https:/a"})
        CHECK_THAT(error_of(list("insecure: true, url: '" + std::string(url) + "'")),
                   Contains("neither https:// nor http://"));
    CHECK_THAT(error_of(list("url: 'https:///x'")), Contains("no host"));
    CHECK_THAT(error_of(list("url: 'https://user:pass@a/'")), Contains("user's name"));
    CHECK(parse(list("url: 'https://a/x@y'")).lists.size() == 1);
    CHECK_THAT(error_of(list("url: 'https://a/x y'")), Contains("%-encoded"));
    CHECK_THAT(error_of(list("url: 'https://a/" + std::string(2000, 'x') + "'")), Contains("2000"));
    CHECK_THAT(error_of(list("file: etc/own")), Contains("absolute"));
    CHECK_THAT(error_of(list("url: 'https://a/', format: csv")), Contains("dnsmasq"));
    CHECK_THAT(error_of(list("url: 'https://a/', refresh_hours: 0")), Contains("refresh_hours"));
    CHECK_THAT(error_of(list("url: 'https://a/', max_bytes: 9999999999")), Contains("max_bytes"));
    CHECK_THAT(error_of("lists: [{name: a, url: 'https://a/'}, {name: a, url: 'https://b/'}]"),
               Contains("two lists"));
    CHECK_THAT(error_of("proxy: proxy.example:3128\n"), Contains("http://"));
}

TEST_CASE("the example of lists.yaml is right") {
    const auto config = read_lists_config(DOORWARD_SOURCE_DIR "/examples/lists.yaml");
    REQUIRE(config);
    REQUIRE(config->lists.size() == 4);
    const ListSource& all = config->lists[0];  // says of itself that it has every default
    const ListSource defaults;
    CHECK((all.format == defaults.format && all.refresh_hours == defaults.refresh_hours &&
           all.max_bytes == defaults.max_bytes && all.timeout_seconds == defaults.timeout_seconds &&
           all.insecure == defaults.insecure && all.shrink == defaults.shrink));
}

TEST_CASE("the state of a list comes back as it was written") {
    ListState state;
    state.source = "https://a.example/x";
    state.etag = "\"abc\"";
    state.last_modified = "Sat, 21 Nov 2026 18:00:00 GMT";
    state.attempted = 3;
    state.checked = 2;
    state.changed = 1;
    state.bytes = 4;
    state.error = "the server answers with status 500";
    state.report.format = ListFormat::hosts;
    state.report.names = 5;
    state.report.exceptions = 6;
    state.report.prefixes = 7;
    state.report.repeated = 8;
    state.report.lines = 9;
    state.report.skipped[static_cast<std::size_t>(Skip::regex)] = 10;
    const std::string text = to_json(state).dump();
    CHECK(to_json(list_state_from(text)).dump() == text);
    CHECK(list_state_from(text).report.entries() == 18);
}

TEST_CASE("a state that makes no sense is none") {
    for (const char* text : {"", "x", "[]", "{", "null", "{\"names\": -1, \"etag\": 7}",
                             "{\"checked\": 18446744073709551615, \"skipped\": [1]}",
                             "{\"names\": 1e99, \"format\": \"csv\"}"}) {
        const ListState state = list_state_from(text);
        CHECK(to_json(state).dump() == to_json(ListState{}).dump());
    }
    CHECK(list_state_from("{\"etag\": \"" + std::string(100'000, 'x') + "\"}").etag.size() == 4096);
    CHECK(list_state_from(std::string(60'000, '[')).attempted == 0);
}

TEST_CASE("a list is due after its interval, or if the last try failed") {
    constexpr std::int64_t hour = 3600, start = 1'000'000;
    ListState state;
    CHECK(is_due(state, 24, start));
    state.checked = state.changed = start;
    CHECK_FALSE(is_due(state, 24, start));
    CHECK_FALSE(is_due(state, 24, start + 23 * hour));
    CHECK(is_due(state, 24, start + 24 * hour));
    CHECK(is_due(state, 24, start + 24 * hour - 300));  // a timer that comes a little early
    CHECK(is_due(state, 24, start - 1));                // the clock went back
    state.error = "x";
    CHECK(is_due(state, 24, start + 1));
}

TEST_CASE("a copy is not replaced by nothing, nor by less than half") {
    const auto may = [](std::size_t entries, std::size_t before, Shrink shrink) {
        ListReport report;
        report.names = entries;
        return may_replace(report, before, shrink).has_value();
    };
    CHECK(may(1, 0, Shrink::refuse));
    CHECK(may(5, 10, Shrink::refuse));
    CHECK(may(4, 7, Shrink::refuse));
    CHECK_FALSE(may(4, 10, Shrink::refuse));
    CHECK_FALSE(may(3, 7, Shrink::refuse));
    CHECK_FALSE(may(0, 0, Shrink::refuse));
    CHECK(may(0, 1000, Shrink::allow));
}

TEST_CASE("files of the folder are taken for somebody else's") {
    TempFolder folder;
    folder.write("list", "12345");
    CHECK(read_list_file(folder / "list", 5) == "12345");
    const auto longer = read_list_file(folder / "list", 4);
    REQUIRE_FALSE(longer);
    CHECK_THAT(longer.error().what, Contains("longer than 4 bytes"));
    REQUIRE(::symlink("/etc/passwd", (folder / "link").c_str()) == 0);
    CHECK_FALSE(read_list_file(folder / "link", 1 << 20));
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK_FALSE(read_list_file(folder / "pipe", 1 << 20));  // and waits for nobody
    CHECK_FALSE(read_list_file(folder.path(), 1 << 20));
    CHECK_FALSE(read_list_file(folder / "nothing", 1 << 20));

    folder.write("ads.state.json", "{\"source\": \"https://a/\", \"names\": 7}");
    CHECK(read_list_state(folder.path(), "ads", "https://a/").report.names == 7);
    CHECK(read_list_state(folder.path(), "ads", "https://b/").report.names == 0);
    CHECK(read_list_state(folder.path(), "other", "https://a/").source == "https://a/");
}

TEST_CASE("doorward lists check: what can be used, and what can't") {
    const Commands commands;
    TempFolder folder;
    folder.write("list", "||ads.example^\n||x.example/ad\n/a\x1b[31m/\n@@||ok.example^\n9.9.9.9\n");
    const auto text = commands.run({"lists", "check", folder / "list", "--format", "adblock"});
    CHECK(text.status == 0);
    for (const char* part : {"format adblock, 5 lines: 1 names, 1 exceptions, 1 addresses",
                             "regular expression", "3:1", "/a\\x1b[31m/", "||x.example/ad"})
        CHECK_THAT(text.out, Contains(part));
    const auto data = json::parse(commands.run({"lists", "check", folder / "list", "--json"}).out);
    CHECK(data["format"] == "adblock");
    CHECK(data["skipped"] == json({{"path", 1}, {"regex", 1}}));
    CHECK(data["examples"][0] == json({{"reason", "path"}, {"line", 2}, {"column", 1},
                                       {"text", "||x.example/ad"}}));

    folder.write("page", "<html>");
    const auto page = commands.run({"lists", "check", folder / "page"});
    CHECK(page.status == 1);
    is_one_line(page.err);
    CHECK_THAT(page.err, Contains(folder / "page") && Contains("a page"));
    folder.write("empty", "# nothing\n");
    CHECK(commands.run({"lists", "check", folder / "empty"}).status == 1);
    CHECK(commands.run({"lists", "check", folder / "missing"}).status == 1);
    CHECK(commands.run({"lists", "check"}).status == 2);
    CHECK(commands.run({"lists", "check", folder / "list", "--format", "csv"}).status == 2);
    CHECK(commands.run({"lists", "check", folder / "list", "--config", "x"}).status == 2);
    CHECK(commands.run({"lists", "update", "--json"}).status == 2);
}

TEST_CASE("doorward lists: what is asked for and what is there") {
    const Commands commands;
    TempFolder folder;
    folder.write("lists.yaml", "lists: [{name: ads, url: 'https://a.example/x'}, {name: b, file: /b}]");
    ListState state;
    state.source = "https://a.example/x";
    state.checked = state.changed = 1;
    state.report.names = 12;
    state.report.format = ListFormat::hosts;
    state.report.skipped[0] = 3;
    state.error = "no\x1b[31m route";
    folder.write("ads.state.json", to_json(state).dump());
    const std::vector<std::string> words = {"lists", "--config", folder / "lists.yaml", "--folder",
                                            folder.path()};
    const auto text = commands.run(words);
    CHECK(text.status == 0);
    for (const char* part : {"ads", "hosts", "12", "https://a.example/x", "no\\x1b[31m route", "/b",
                             "never fetched"})
        CHECK_THAT(text.out, Contains(part));
    auto with_json = words;
    with_json.emplace_back("--json");
    const auto data = json::parse(commands.run(with_json).out);
    REQUIRE(data.size() == 2);
    CHECK(data[0]["entries"] == 12);
    CHECK(data[0]["skipped_in_all"] == 3);
    CHECK(data[0]["path"] == folder / "ads");
    CHECK(data[1]["age_s"].is_null());

    const auto missing = commands.run({"lists", "--config", folder / "missing.yaml"});
    CHECK(missing.status == 1);
    is_one_line(missing.err);
    const auto program = commands.run({"lists", "update", "--program", "/nonexistent/program"});
    CHECK(program.status == 1);
    is_one_line(program.err);
}
