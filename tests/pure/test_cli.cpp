// SPDX-License-Identifier: GPL-2.0-or-later
// What the command shows, and how it fails.
#include <catch2/catch.hpp>

#include "cli_fixture.hpp"
#include "lacks_root.hpp"

using namespace doorward;
using Catch::Contains;
using nlohmann::json;

TEST_CASE("doorward status: for people and for programs") {
    CliFixture fixture;
    const auto text = fixture.run({"status"});
    CHECK(text.status == 0);
    CHECK(text.err == "");
    for (const char* part :
         {"1.2.3", "pid 42", "1 h 1 min", "observe", "cgroup", "4870 (xtables)",
          "kprobes: flows are bound", "generation 7", "10-web.yaml:3:5", "3 no-binding",
          "the disk is full", "bindings: 65536 entries, 1 failed",
          "192.0.2.1 (eth0, 52:54:00:ab:cd:ef) 192.0.2.2 (eth0, hardware address not known)",
          "office hold", "192.0.2.18 and 1 more"})
        CHECK_THAT(text.out, Contains(part));
    const auto data = fixture.run({"status", "--json"});
    CHECK(json::parse(data.out)["packets"]["unknown"][0]["count"] == 3);
    CHECK(json::parse(data.out)["network"]["self"].size() == 9);
    CHECK(json::parse(data.out)["network"]["gateways"][1]["mac"] == "");
}

TEST_CASE("doorward: no daemon, no right, no sense") {
    const Commands commands;
    const auto nobody = commands.run({"--socket", "/nonexistent/socket", "status"});
    CHECK(nobody.status == 3);
    CHECK(nobody.out == "");
    is_one_line(nobody.err);
    CHECK_THAT(nobody.err,
               Contains("/nonexistent/socket") && Contains("systemctl start doorwardd"));
    for (const auto& words : std::vector<std::vector<std::string>>{
             {}, {"rules"}, {"dance"}, {"status", "--colour"}, {"mode", "sleep"}, {"rules", "show"},
             {"explain"}, {"explain", "--app", "/x", "--unknown", "kernel"}, {"allow"},
             {"deny", "/x", "--drop", "--reject"}, {"deny", "/x", "--port", "70000"},
             {"deny", "/x", "--to", "example.com"}, {"deny", "/x", "--for", "soon"},
             {"deny", "no-such-program-in-path"}, {"--color", "pink", "status"}}) {
        const auto refused = commands.run(words);
        INFO(refused.err);
        CHECK(refused.status == 2);
        is_one_line(refused.err);
    }
    CHECK(commands.run({"--version"}).out == "doorward " DOORWARD_VERSION "\n");
    CHECK_THAT(commands.run({"--help"}).out, Contains("explain"));
}

TEST_CASE("doorward: one who may only ask is told so") {
    if (lacks_root("to become another user")) return;
    // Whether another user may run the command where it was built is not what is tested here.
    if (std::system("setpriv --reuid 65534 --regid 65534 --clear-groups -- " DOORWARD_COMMAND
                    " --version >/dev/null 2>&1") != 0) {
        WARN("skipped: another user can't run the command where it was built");
        return;
    }
    CliFixture fixture({.read = 65534, .change = {}});
    const std::string nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --";
    CHECK(fixture.run({"status"}, nobody).status == 0);
    const auto denied = fixture.run({"rules", "reload"}, nobody);
    CHECK(denied.status == 4);
    is_one_line(denied.err);
    CHECK_THAT(denied.err, Contains("change group"));
}

TEST_CASE("doorward mode") {
    CliFixture fixture;
    CHECK(fixture.run({"mode"}).out == "observe\n");
    CHECK(fixture.run({"mode", "enforce"}).status == 0);
    CHECK(fixture.run({"mode"}).out == "enforce\n");
}

TEST_CASE("doorward flows: names that a process chose can't reach the terminal") {
    CliFixture fixture;
    const auto table = fixture.run({"flows"});
    CHECK(table.status == 0);
    CHECK_THAT(table.out,
               Contains("[2001:db8::1]:40000") && Contains("alice") && Contains("1 min 1 s"));
    CHECK(table.out.find('\x1b') == std::string::npos);
    const auto data = fixture.run({"flows", "--json"});
    CHECK(json::parse(data.out)[0]["remote_port"] == 443);
    CHECK(
        std::ranges::all_of(data.out, [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
}

TEST_CASE("doorward flows: bytes, names, and the filters of the log") {
    CliFixture fixture;
    CHECK_THAT(fixture.run({"flows"}).out,
               Contains("www.example.org:443") && Contains("2048") && Contains("5.0 M"));
    const auto found = [&](const std::vector<std::string>& filter) {
        std::vector<std::string> words{"flows", "--json"};
        words.insert(words.end(), filter.begin(), filter.end());
        return json::parse(fixture.run(words).out).size();
    };
    CHECK(found({"--to", "example.org", "--port", "443", "--user", "alice", "--pid", "99"}) == 1);
    CHECK(found({"--to", "ample.org"}) == 0);
    CHECK(found({"--rule", "web", "--to", "2001:db8::/32", "--from", "2001:db8::1"}) == 1);
    CHECK(found({"--from", "2001:db8::7"}) == 0);
    CHECK(fixture.run({"flows", "--to", "no address"}).status == 2);
}

TEST_CASE("doorward kill: what is chosen, and what becomes of it") {
    CliFixture fixture;
    const auto cut = fixture.run({"kill", "--port", "443", "--json"});
    CHECK(cut.status == 0);
    CHECK(json::parse(cut.out)[0]["cut"] == true);
    CHECK(fixture.daemon.asked.back() == "cut 2001:db8::7 of 99");
    CHECK_THAT(fixture.run({"kill", "--pid", "99"}).out, Contains("yes"));

    fixture.daemon.asked.clear();
    CHECK(fixture.run({"kill"}).status == 2);
    CHECK(fixture.daemon.asked.empty());
    const auto nothing = fixture.run({"kill", "--port", "80"});
    CHECK(nothing.status == 1);
    CHECK_THAT(nothing.err, Contains("no flow"));
    CHECK(fixture.daemon.asked == std::vector<std::string>{"flows"});

    fixture.daemon.failure = {ControlFailure::Kind::flow_kept, {"its socket serves others too", {}, {}}};
    const auto kept = fixture.run({"kill", "--port", "443"});
    CHECK(kept.status == 1);
    CHECK_THAT(kept.out, Contains("no") && Contains("serves others"));
    fixture.daemon.failure = {ControlFailure::Kind::failed, {"the daemon is ill", {}, {}}};
    CHECK_THAT(fixture.run({"kill", "--port", "443"}).err, Contains("ill"));
}

TEST_CASE("doorward explain: the winner, and why the ones before did not match") {
    CliFixture fixture;
    const auto won = fixture.run({"explain", "--app", "/usr/bin/curl", "--port", "443"});
    CHECK(won.status == 0);
    CHECK_THAT(won.out, Contains("accept by rule web (/etc/doorward/rules.d/10-web.yaml:2:5)"));
    const auto fell = fixture.run({"explain", "--app", "/opt/none/tool", "--port", "443"});
    CHECK_THAT(fell.out, Contains("web") && Contains("app") && Contains("alice-off") &&
                             Contains("enabled") && Contains("reject by the default for outbound"));
    const auto data =
        fixture.run({"explain", "--unknown", "kernel", "--direction", "in", "--json"});
    CHECK(json::parse(data.out)["action"] == "drop");
    CHECK(fixture.run({"explain", "--unknown", "magic"}).status == 1);
    CHECK(fixture.run({"explain", "--app", "/opt/none/tool", "--to", "here"}).status == 1);
}

TEST_CASE("doorward explain works without a daemon on a folder of rules") {
    const Commands commands;
    TempFolder folder;
    folder.write("a.yaml", "rules:\n  - name: v6\n    to: 2001:db8::/32\n    action: accept\n");
    const std::vector<std::string> words{"explain", "--rules-dir", folder.path(), "--app",
                                         "/opt/none/tool", "--to"};
    auto inside = words, outside = words, wrong = words;
    inside.push_back("2001:db8::1");
    outside.push_back("2001:db9::1");
    wrong.push_back("2001:db9::/32");
    CHECK_THAT(commands.run(inside).out, Contains("accept by rule v6"));
    CHECK_THAT(commands.run(outside).out, Contains("reject by the default"));
    CHECK(commands.run(wrong).status == 2);
}

TEST_CASE("doorward: output that can't be written is a failure") {
    CliFixture fixture;
    const std::string line = shell_word(DOORWARD_COMMAND) + " --socket " + fixture.socket +
                             " status >/dev/full 2>/dev/null";
    const int status = std::system(line.c_str());
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1));
}
