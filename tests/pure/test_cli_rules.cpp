// SPDX-License-Identifier: GPL-2.0-or-later
// What the command does to rules.
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "cli_fixture.hpp"
#include "rule_values.hpp"

using namespace doorward;
using Catch::Contains;
using nlohmann::json;

TEST_CASE("doorward rules list and show") {
    CliFixture fixture;
    const auto table = fixture.run({"rules", "list"});
    CHECK(table.status == 0);
    CHECK_THAT(table.out,
               Contains("web") && Contains("curl → tcp/80,443") && Contains("10-web.yaml:2"));
    CHECK_THAT(table.out, Contains("drop (off)"));
    CHECK_THAT(table.out, Contains("then the default: reject outbound, drop inbound"));
    CHECK(table.out.find('\x1b') == std::string::npos);
    CHECK_THAT(fixture.run({"rules", "list", "--color", "always"}).out, Contains("\x1b["));
    CHECK(fixture.run({"rules", "list", "--names"}).out == "web\nalice-off\n");
    CHECK(json::parse(fixture.run({"rules", "list", "--json"}).out)["rules"][0]["hits"] == 5);
    fixture.daemon.rules_in_force[1].tags = {"night", "office"};
    CHECK(fixture.run({"rules", "list", "--names", "--tag", "night"}).out == "alice-off\n");
    CHECK(fixture.run({"rules", "list", "--names", "--tag", "day,office"}).out == "alice-off\n");
    CHECK(fixture.run({"rules", "list", "--names", "--tag", "day"}).out.empty());
    const auto tagged = fixture.run({"rules", "list", "--tag", "office"}).out;
    CHECK_THAT(tagged, Contains("2  alice-off"));  // its place among all rules
    CHECK_THAT(tagged, !Contains("curl"));
    CHECK(json::parse(fixture.run({"rules", "list", "--json", "--tag", "night"}).out)["rules"].size() ==
          1);
    const auto shown = fixture.run({"rules", "show", "web"});
    CHECK_THAT(shown.out,
               Contains("# /etc/doorward/rules.d/10-web.yaml:2:5, evaluated first of 2"));
    CHECK_THAT(shown.out, Contains("- name: web\n  app: /usr/bin/curl\n"));
    const auto missing = fixture.run({"rules", "show", "nobody"});
    CHECK(missing.status == 1);
    is_one_line(missing.err);
}

TEST_CASE("doorward deny writes a rule that rejects, and says where it is") {
    CliFixture fixture;
    const auto denied = fixture.run({"deny", "/opt/none/tool", "--to", "203.0.113.0/24", "--to",
                                     "2001:db8::/32", "--port", "443,8000-8080", "--user", "1000",
                                     "--domain", "*.Example.org"});
    CHECK(denied.status == 0);
    CHECK(denied.out == "added deny-tool-443 to 00-command.yaml, evaluated first of 3 rules\n");
    CHECK_THAT(denied.err, Contains("/opt/none/tool does not exist now"));
    const Rule& rule = fixture.daemon.rules_in_force.front();
    CHECK(rule.action == Action::reject);
    CHECK(values_of(rule, Condition::app) == Texts{"/opt/none/tool"});
    CHECK(values_of(rule, Condition::to) == Texts{"203.0.113.0/24", "2001:db8::/32"});
    CHECK(values_of(rule, Condition::port) == Texts{"443", "8000-8080"});
    CHECK(values_of(rule, Condition::user) == Texts{"1000"});
    CHECK(values_of(rule, Condition::domain) == Texts{"*.example.org"});
    CHECK_FALSE(rule.has(Condition::direction));
    // A made-up name that is taken gets a number.
    CHECK_THAT(fixture.run({"deny", "/opt/none/tool", "--port", "443", "--drop"}).out,
               Contains("added deny-tool-443-2 "));
    CHECK(fixture.daemon.rules_in_force.front().action == Action::drop);
    // A name that was chosen does not.
    const auto taken = fixture.run({"deny", "/opt/none/tool", "--name", "web"});
    CHECK(taken.status == 1);
    is_one_line(taken.err);
}

TEST_CASE("doorward allow opens outbound only, unless told otherwise") {
    CliFixture fixture;
    const auto direction = [&](std::vector<std::string> more) {
        std::vector<std::string> words{"allow", "/opt/none/tool"};
        words.insert(words.end(), more.begin(), more.end());
        CHECK(fixture.run(words).status == 0);
        return values_of(fixture.daemon.rules_in_force.front(), Condition::direction);
    };
    CHECK(direction({}) == Texts{"out"});
    CHECK(direction({"--in", "--out"}).empty());
    // Inbound alone can't be had by accident, but must be possible.
    CHECK(direction({"--in"}) == Texts{"in"});
    CHECK(fixture.daemon.rules_in_force.front().action == Action::accept);
}

TEST_CASE("doorward allow: time, place, and what a program is called") {
    CliFixture fixture;
    const std::int64_t before = std::time(nullptr);
    const auto allowed = fixture.run({"allow", "sh", "--for", "20m", "--last", "--comment", "why"});
    REQUIRE(allowed.status == 0);
    CHECK_THAT(allowed.err, Contains("sh is /"));
    CHECK_THAT(allowed.out, Contains("evaluated last of 3 rules, until 20"));
    const Rule& rule = fixture.daemon.rules_in_force.back();
    REQUIRE(rule.expires);
    CHECK(*rule.expires >= before + 1200);
    CHECK(*rule.expires <= std::time(nullptr) + 1200);
    CHECK(values_of(rule, Condition::app) == Texts{std::filesystem::canonical("/bin/sh")});
    CHECK(rule.comment == "why");

    const std::string script = fixture.folder / "script";
    fixture.folder.write("script", "#! /bin/sh -e\n");
    const auto refused = fixture.run({"allow", script});
    CHECK(refused.status == 2);
    is_one_line(refused.err);
    CHECK_THAT(refused.err, Contains("interpreter, /bin/sh,"));

    CHECK(fixture.run({"allow", "/opt/*/bin/*"}).status == 0);
    CHECK(values_of(fixture.daemon.rules_in_force.front(), Condition::app) ==
          Texts{"/opt/*/bin/*"});
    CHECK(fixture.run({"deny", "unknown:no-binding"}).status == 0);
    CHECK(values_of(fixture.daemon.rules_in_force.front(), Condition::app) ==
          Texts{"unknown:no-binding"});
}

TEST_CASE("doorward allow: until the daemon or a process ends") {
    CliFixture fixture;
    const auto allowed = fixture.run({"allow", "/usr/bin/x", "--until-restart"});
    REQUIRE(allowed.status == 0);
    CHECK_THAT(allowed.out, Contains("added allow-x until restart, evaluated first of 3 rules"));
    const std::string self = std::to_string(::getpid());
    const auto bound = fixture.run({"rules", "add", "--name", "n", "--action", "drop",
                                    "--until-exit", self, "--last"});
    REQUIRE(bound.status == 0);
    CHECK_THAT(bound.out, Contains("added n until PID " + self + " ends, evaluated last of 4"));
    CHECK(fixture.daemon.added_until.pid == static_cast<std::uint32_t>(::getpid()));
    CHECK(fixture.daemon.added_until.started);
    REQUIRE(fixture.run({"allow", "/usr/bin/y"}).status == 0);
    CHECK_FALSE(fixture.daemon.added_until.temporary());

    fixture.daemon.rules_in_force[0].place = {"(until PID 123 ends)", 0, 0};
    const auto listed = fixture.run({"rules", "list"});
    CHECK_THAT(listed.out, Contains("(until PID 123 ends)") && !Contains("ends):"));
    CHECK_THAT(fixture.run({"rules", "show", fixture.daemon.rules_in_force[0].name}).out,
               Catch::StartsWith("# (until PID 123 ends), evaluated first of"));
}

TEST_CASE("doorward rules undo says what it takes back") {
    CliFixture fixture;
    const auto undone = fixture.run({"rules", "undo"});
    CHECK(undone.status == 0);
    CHECK(undone.out == "taken back: rule web removed; 2 rules now\n");
    CHECK(fixture.run({"rules", "undo"}).out == "done again: rule web removed; 2 rules now\n");
    CHECK_THAT(fixture.run({"rules", "undo", "--json"}).out, Contains("\"again\": false"));
    fixture.daemon.failure = {ControlFailure::Kind::nothing_to_undo, {"there is nothing", {}, {}}};
    const auto nothing = fixture.run({"rules", "undo"});
    CHECK(nothing.status == 5);
    is_one_line(nothing.err);
}

TEST_CASE("how long a rule lasts is said once, and as it should be") {
    CliFixture fixture;
    fixture.daemon.asked.clear();
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"--for", "20m", "--until-restart"},
                                               {"--for", "20m", "--until-exit", "1"},
                                               {"--until-restart", "--until-exit", "1"},
                                               {"--until-exit", "0"},
                                               {"--until-exit", "-1"},
                                               {"--until-exit", "12x"},
                                               {"--until-exit", "4294967297"},
                                               {"--until-exit", "init"}}) {
        std::vector<std::string> all{"allow", "/usr/bin/x"};
        all.insert(all.end(), words.begin(), words.end());
        const auto refused = fixture.run(all);
        CHECK(refused.status == 2);
        is_one_line(refused.err);
    }
    CHECK(fixture.daemon.asked.empty());
}

TEST_CASE("options for what must not be, for tags, times and networks") {
    CliFixture fixture;
    REQUIRE(fixture.run({"deny", "/opt/none/tool", "--not-port", "22,set:web", "--not-to", "lan",
                         "--not-to", "10.0.0.0/8", "--not-user", "1000", "--tag", "office,net",
                         "--when", "mon-fri 08:00-17:30", "--interface", "wl*", "--profile", "home",
                         "--to", "set:offices", "--not-app", "/opt/none/x"})
                .status == 0);
    const Rule& rule = fixture.daemon.rules_in_force.front();
    CHECK(values_of(rule, Condition::app) == Texts{"/opt/none/tool"});
    CHECK(values_of(rule, Condition::app, true) == Texts{"/opt/none/x"});
    CHECK(values_of(rule, Condition::port, true) == Texts{"22", "set:web"});
    CHECK_FALSE(rule.has(Condition::port));
    CHECK(values_of(rule, Condition::to, true) == Texts{"lan", "10.0.0.0/8"});
    CHECK(values_of(rule, Condition::to) == Texts{"set:offices"});
    CHECK(values_of(rule, Condition::user, true) == Texts{"1000"});
    CHECK(values_of(rule, Condition::when) == Texts{"mon-fri 08:00-17:30"});
    CHECK(values_of(rule, Condition::interface) == Texts{"wl*"});
    CHECK(values_of(rule, Condition::profile) == Texts{"home"});
    CHECK(rule.tags == Texts{"office", "net"});
    for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{
             {"--not-port", "70000"}, {"--tag", "Office"}, {"--when", "never"},
             {"--not-to", "example.org"}, {"--not-app", "curl"}, {"--interface", "a/b"}}) {
        const auto wrong = fixture.run({"deny", "/opt/none/tool", option, value});
        INFO(option);
        CHECK(wrong.status != 0);
        is_one_line(wrong.err);
        CHECK_THAT(wrong.err, Contains(option));
    }
}

TEST_CASE("doorward rules add, remove, enable, disable, reload") {
    CliFixture fixture;
    const auto ok = [&](std::vector<std::string> words) {
        const auto outcome = fixture.run(std::move(words));
        CHECK(outcome.status == 0);
        CHECK(outcome.err == "");
        return outcome.out;
    };
    CHECK_THAT(ok({"rules", "add", "--name", "ssh", "--action", "accept", "--in", "--port", "22",
                   "--protocol", "tcp", "--journal"}),
               Contains("added ssh"));
    CHECK(fixture.daemon.rules_in_force.front().log == LogLevel::journal);
    CHECK_THAT(ok({"rules", "add", "--name", "each", "--action", "drop", "--out", "--each"}),
               Contains("added each"));
    CHECK(fixture.daemon.rules_in_force.front().log == LogLevel::each);
    CHECK(fixture.run({"rules", "add", "--action", "drop", "--out", "--each", "--journal"}).status == 2);
    ok({"rules", "remove", "each"});
    CHECK(ok({"rules", "disable", "ssh"}) ==
          "disabled ssh in /etc/doorward/rules.d/10-web.yaml; 3 rules now\n");
    CHECK_FALSE(fixture.daemon.rules_in_force.front().enabled);
    CHECK_THAT(ok({"rules", "enable", "ssh"}), Contains("enabled ssh"));
    CHECK(json::parse(ok({"rules", "remove", "ssh", "--json"}))["rules"] == 2);
    CHECK(ok({"rules", "reload"}) == "2 rules in force, generation 8\n");
    const auto missing = fixture.run({"rules", "remove", "ssh"});
    CHECK(missing.status == 1);
    is_one_line(missing.err);
    fixture.daemon.failure = ControlFailure{ControlFailure::Kind::reload_failed,
                                            {"no such key", "", {"a.yaml", 3, 5}}};
    const auto failed = fixture.run({"rules", "reload"});
    CHECK(failed.status == 1);
    CHECK(failed.err == "doorward: a.yaml:3:5: no such key\n");
}

TEST_CASE("doorward rules check: no daemon, every file's error with its place") {
    const Commands commands;
    TempFolder folder;
    folder.write("a.yaml", "rules:\n  - name: a\n    action: drop\n");
    const auto good = commands.run({"rules", "check", folder.path()});
    CHECK(good.status == 0);
    CHECK(good.out == "no errors: 1 rule in 1 file\n");
    folder.write("b.yaml", "rules:\n  - name: b\n    action: maybe\n");
    folder.write("c.yaml", "rules:\n  - name: c\n    colour: red\n");
    const auto bad = commands.run({"rules", "check", folder.path()});
    CHECK(bad.status == 1);
    CHECK(bad.out == "");
    CHECK_THAT(bad.err, Contains("doorward: " + folder / "b.yaml:3:13: ") &&
                            Contains("doorward: " + folder / "c.yaml:3:5: "));
    folder.write("d.yaml", "rules:\n  - name: a\n    action: accept\n");
    const auto twice = commands.run({"rules", "check", folder / "a.yaml", folder / "d.yaml"});
    CHECK(twice.status == 1);
    CHECK_THAT(twice.err, Contains("d.yaml:2:5: ") && Contains("is taken"));
    CHECK(commands.run({"rules", "check", folder / "none.yaml"}).status == 1);
}

TEST_CASE("doorward rules check warns of rules that never match, and accepts them") {
    const Commands commands;
    TempFolder folder;
    folder.write("a.yaml", "rules:\n  - name: all\n    action: drop\n");
    folder.write("b.yaml", "rules:\n  - name: one\n    app: /usr/bin/curl\n    action: accept\n"
                           "  - name: old\n    expires: 2020-01-01T00:00:00Z\n    action: drop\n");
    const auto checked = commands.run({"rules", "check", folder.path()});
    CHECK(checked.status == 0);
    CHECK(checked.out == "no errors: 3 rules in 2 files\n");
    CHECK(checked.err == "warning: " + folder / "b.yaml:2:5: rule \"one\" never matches: rule \"all\" (" +
                             folder / "a.yaml:2:5) covers it\nwarning: " + folder /
                             "b.yaml:5:5: rule \"old\" never matches: it has expired\n");
}

TEST_CASE("doorward rules fmt writes files anew, or says what it would do") {
    const Commands commands;
    TempFolder folder;
    const std::string odd = "rules:\n- action: drop # why\n  name: a\n", sound = "rules: []\n";
    const std::string proper = "rules:\n  - name: a\n    action: drop  # why\n";
    folder.write("a.yaml", odd);
    folder.write("b.yaml", sound);
    std::filesystem::permissions(folder / "a.yaml", std::filesystem::perms(0640));
    const auto check = commands.run({"rules", "fmt", "--check", folder.path()});
    CHECK(check.status == 1);
    CHECK(check.out == folder / "a.yaml\n");
    const auto diff = commands.run({"rules", "fmt", "--diff", folder.path()});
    CHECK(diff.status == 0);
    CHECK(diff.out == "--- " + folder / "a.yaml\n+++ " + folder / "a.yaml\n@@ -1,3 +1,3 @@\n rules:\n"
                      "-- action: drop # why\n-  name: a\n+  - name: a\n+    action: drop  # why\n");
    CHECK(folder.read("a.yaml") == odd);
    folder.write("c.yaml", "rules:\n- {name: c}\n");
    const auto written = commands.run({"rules", "fmt", folder.path()});
    CHECK(written.status == 1);
    CHECK(written.out == folder / "a.yaml\n");
    CHECK_THAT(written.err, Contains("c.yaml:2:4: "));
    CHECK(folder.read("a.yaml") == proper);
    CHECK(folder.read("c.yaml") == "rules:\n- {name: c}\n");
    CHECK(std::filesystem::status(folder / "a.yaml").permissions() == std::filesystem::perms(0640));
    const auto again = commands.run({"rules", "fmt", "--check", folder / "a.yaml", folder / "b.yaml"});
    CHECK(again.status == 0);
    CHECK(again.out == "");
}

TEST_CASE("the schema of rule files that is installed is the one that the command makes") {
    const Commands commands;
    std::ostringstream kept;
    kept << std::ifstream(DOORWARD_SOURCE_DIR "/docs/rules.schema.json").rdbuf();
    const auto made = commands.run({"rules", "schema"});
    CHECK(made.status == 0);
    CHECK(made.out == kept.str());  // else: build/cli/doorward rules schema > docs/rules.schema.json
}
