// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward import`, as people run it: without a daemon, and without root.
#include <catch2/catch.hpp>

#include <filesystem>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "cli_fixture.hpp"

using namespace doorward;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

namespace {

std::string rule(const std::string& name, const std::string& action, const std::string& operand, const std::string& data) {
    return json{{"name", name}, {"enabled", true}, {"action", action}, {"duration", "always"},
                {"operator", {{"type", "simple"}, {"operand", operand}, {"data", data}, {"sensitive", true}, {"list", nullptr}}}}.dump();
}

struct Import {
    Commands commands;
    TempFolder folder;

    Outcome run(std::vector<std::string> words) const {
        words.insert(words.begin(), {"import"});
        return commands.run(words);
    }
};

}  // namespace

TEST_CASE("doorward import opensnitch writes rules, and says what it leaves out") {
    const Import test;
    test.folder.write("a.json", rule("web", "allow", "dest.port", "443"));
    const auto whole = test.run({"opensnitch", test.folder.path()});
    CHECK(whole.status == 0);
    CHECK_THAT(whole.out, Contains("      - name: web\n        port: 443\n        action: accept\n"));
    CHECK(whole.err == "1 found, 0 left out, 1 rule written\n");

    test.folder.write("b.json", rule("no-telnet", "deny", "process.command", "telnet"));
    test.folder.write("not-a-rule.txt", "x");
    const std::string out = test.folder / "out.yaml";
    const auto part = test.run({"opensnitch", test.folder.path(), "-o", out});
    CHECK(part.status == 6);
    CHECK(part.out.empty());
    CHECK_THAT(part.err, StartsWith("LEFT OUT, AND WOULD DENY: " + test.folder / "b.json" + ": rule \"no-telnet\": process.command: "));
    CHECK_THAT(part.err, Contains("2 found, 1 left out (1 that would deny), 1 rule written"));
    CHECK(test.commands.run({"rules", "check", out}).out == "no errors: 1 rule in 1 file\n");
    CHECK(test.commands.run({"rules", "fmt", "--check", out}).status == 0);
    // What is there is not written over.
    const auto again = test.run({"opensnitch", test.folder.path(), "-o", out});
    CHECK(again.status == 1);
    is_one_line(again.err);

    const auto account = json::parse(test.run({"opensnitch", test.folder.path(), "--json"}).out);
    CHECK(account["left_out"] == 1);
    CHECK(account["findings"][0]["key"] == "process.command");
    CHECK(account["findings"][0]["denies"] == true);
    CHECK_THAT(account["text"].get<std::string>(), Contains("name: web"));
}

TEST_CASE("doorward import says of hostile files what they are") {
    const Import test;
    const std::string folder = test.folder / "rules";
    std::filesystem::create_directory(folder);
    std::filesystem::create_directory(folder + "/folder.json");
    std::filesystem::create_symlink("/etc/passwd", folder + "/link.json");
    REQUIRE(::mkfifo((folder + "/pipe.json").c_str(), 0644) == 0);
    test.folder.write("rules/deep.json", std::string(500'000, '['));
    test.folder.write("rules/huge.json", "{}");
    std::filesystem::resize_file(folder + "/huge.json", 100'000'000);
    test.folder.write("rules/escape.json", rule("\x1b[31m", "allow", "dest.port", "1"));
    test.folder.write("rules/right.json", rule("right", "allow", "dest.port", "443"));
    const auto outcome = test.run({"opensnitch", folder});
    CHECK(outcome.status == 6);
    CHECK_THAT(outcome.out, Contains("name: right"));
    CHECK_THAT(outcome.err, Contains("folder.json: ") && Contains("is no regular file"));
    CHECK_THAT(outcome.err, Contains("link.json is a symbolic link"));
    CHECK_THAT(outcome.err, Contains("pipe.json is no regular file"));
    CHECK_THAT(outcome.err, Contains("huge.json is longer than 1048576 bytes"));
    CHECK_THAT(outcome.err, Contains("deep.json:1:500000: this is not JSON"));
    CHECK_THAT(outcome.err, Contains("escape.json: \"name\" has a control character"));
    CHECK(outcome.err.find('\x1b') == std::string::npos);
    CHECK_THAT(outcome.err, Contains("7 found, 6 left out (6 that would deny), 1 rule written"));
}

TEST_CASE("doorward import without anything to import") {
    const Import test;
    for (const char* source : {"opensnitch", "ufw"}) {
        for (const std::string& folder : {test.folder.path(), test.folder / "nowhere", std::string("/etc/passwd")}) {
            const auto outcome = test.run({source, folder});
            INFO(source << ' ' << folder);
            CHECK(outcome.status == 1);
            CHECK(outcome.out.empty());
            is_one_line(outcome.err);
        }
    }
    CHECK(test.run({}).status == 2);
    CHECK(test.run({"nftables", "/"}).status == 2);
}

TEST_CASE("doorward import ufw reads rules and profiles") {
    const Import test;
    std::filesystem::create_directory(test.folder / "applications.d");
    test.folder.write("applications.d/web", "[WWW]\ntitle=Web\ndescription=d\nports=80,443/tcp\n");
    test.folder.write("applications.d/web.dpkg-old", "[");
    test.folder.write("user.rules", "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n");
    test.folder.write("user6.rules", "### tuple ### allow tcp 22 ::/0 any ::/0 in\n");
    const auto outcome = test.run({"ufw", test.folder.path()});
    CHECK(outcome.status == 0);
    CHECK_THAT(outcome.out, Contains("  - name: ufw-1\n    direction: in\n    protocol: tcp\n    port: 22\n    action: accept\n"));
    CHECK_THAT(outcome.out, Contains("ufw-www-tcp:\n    ports: [80, 443]\n"));
    CHECK_THAT(outcome.out, Contains("    enabled: false\n"));
    const auto profiles = test.run({"ufw", test.folder / "applications.d"});
    CHECK(profiles.status == 0);
    CHECK_THAT(profiles.out, !Contains("ufw-1") && Contains("ufw-WWW-tcp"));
}
