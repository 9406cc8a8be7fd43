// SPDX-License-Identifier: GPL-2.0-or-later
// The built command against a server with a fake daemon behind it.
#include <array>
#include <cstdio>
#include <regex>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fake_controlled.hpp"
#include "lacks_root.hpp"
#include "server_thread.hpp"
#include "temp_folder.hpp"

using namespace doorward;
using Catch::Contains;
using nlohmann::json;

namespace {

struct Outcome {
    int status = -1;
    std::string out;
    std::string err;
};

std::string shell_word(const std::string& word) {
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

class Commands {
public:
    // `before` is put before the command: variables, or another program.
    Outcome run(const std::vector<std::string>& words, const std::string& before = "") const {
        std::string line = before + " " + shell_word(DOORWARD_COMMAND);
        for (const auto& word : words) line += " " + shell_word(word);
        line += " >" + folder_ / "out" + " 2>" + folder_ / "err" + " </dev/null";
        const int status = std::system(line.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, folder_.read("out"),
                folder_.read("err")};
    }

private:
    TempFolder folder_;
};

struct Fixture {
    explicit Fixture(AccessGroups groups = {.read = ::getgid(), .change = ::getgid()})
        : methods(daemon, "1.2.3"),
          server({socket, groups, {}},
                 [this](const Call& call, Access access) { return methods.call(call, access); }) {}

    Outcome run(std::vector<std::string> words, const std::string& before = "") const {
        words.insert(words.begin(), {"--socket", socket});
        return commands.run(words, before);
    }

    TempFolder folder;
    std::string socket = folder / "control.sock";
    Commands commands;
    FakeControlled daemon;
    ControlMethods methods;
    ServerThread server;
};

void is_one_line(const std::string& text) {
    CHECK(std::ranges::count(text, '\n') == 1);
    CHECK_THAT(text, Catch::StartsWith("doorward: "));
}

}  // namespace

TEST_CASE("doorward status: for people and for programs") {
    Fixture fixture;
    const auto text = fixture.run({"status"});
    CHECK(text.status == 0);
    CHECK(text.err == "");
    for (const char* part : {"1.2.3", "pid 42", "1 h 1 min", "observe", "cgroup", "4870 (xtables)",
                             "kprobes: flows are bound", "generation 7", "10-web.yaml:3:5",
                             "3 no-binding", "the disk is full", "bindings: 65536 entries, 1 failed"})
        CHECK_THAT(text.out, Contains(part));
    const auto data = fixture.run({"status", "--json"});
    CHECK(json::parse(data.out)["packets"]["unknown"][0]["count"] == 3);
}

TEST_CASE("doorward: no daemon, no right, no sense") {
    const Commands commands;
    const auto nobody = commands.run({"--socket", "/nonexistent/socket", "status"});
    CHECK(nobody.status == 3);
    CHECK(nobody.out == "");
    is_one_line(nobody.err);
    CHECK_THAT(nobody.err, Contains("/nonexistent/socket") && Contains("systemctl start doorwardd"));
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
    Fixture fixture({.read = 65534, .change = {}});
    const std::string nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --";
    CHECK(fixture.run({"status"}, nobody).status == 0);
    const auto denied = fixture.run({"rules", "reload"}, nobody);
    CHECK(denied.status == 4);
    is_one_line(denied.err);
    CHECK_THAT(denied.err, Contains("change group"));
}

TEST_CASE("doorward rules list and show") {
    Fixture fixture;
    const auto table = fixture.run({"rules", "list"});
    CHECK(table.status == 0);
    CHECK_THAT(table.out, Contains("web") && Contains("curl → tcp/80,443") && Contains("10-web.yaml:2"));
    CHECK_THAT(table.out, Contains("drop (off)"));
    CHECK_THAT(table.out, Contains("then the default: reject outbound, drop inbound"));
    CHECK(table.out.find('\x1b') == std::string::npos);
    CHECK_THAT(fixture.run({"rules", "list", "--color", "always"}).out, Contains("\x1b["));
    CHECK(fixture.run({"rules", "list", "--names"}).out == "web\nalice-off\n");
    CHECK(json::parse(fixture.run({"rules", "list", "--json"}).out)["rules"][0]["hits"] == 5);
    const auto shown = fixture.run({"rules", "show", "web"});
    CHECK_THAT(shown.out, Contains("# /etc/doorward/rules.d/10-web.yaml:2:5, evaluated first of 2"));
    CHECK_THAT(shown.out, Contains("- name: web\n  app: /usr/bin/curl\n"));
    const auto missing = fixture.run({"rules", "show", "nobody"});
    CHECK(missing.status == 1);
    is_one_line(missing.err);
}

TEST_CASE("doorward deny writes a rule that rejects, and says where it is") {
    Fixture fixture;
    const auto denied = fixture.run({"deny", "/opt/none/tool", "--to", "203.0.113.0/24", "--to",
                                     "2001:db8::/32", "--port", "443,8000-8080", "--user", "1000"});
    CHECK(denied.status == 0);
    CHECK(denied.out == "added deny-tool-443 to 00-command.yaml, evaluated first of 3 rules\n");
    CHECK_THAT(denied.err, Contains("/opt/none/tool does not exist now"));
    const Rule& rule = fixture.daemon.rules_in_force.front();
    CHECK(rule.action == Action::reject);
    CHECK(rule.apps.front().text == "/opt/none/tool");
    CHECK(rule.to.size() == 2);
    CHECK(rule.ports == std::vector<PortRange>{{443, 443}, {8000, 8080}});
    CHECK(rule.users.front().text == "1000");
    CHECK_FALSE(rule.direction);
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
    Fixture fixture;
    const auto direction = [&](std::vector<std::string> more) {
        std::vector<std::string> words{"allow", "/opt/none/tool"};
        words.insert(words.end(), more.begin(), more.end());
        CHECK(fixture.run(words).status == 0);
        return fixture.daemon.rules_in_force.front().direction;
    };
    CHECK(direction({}) == Direction::out);
    CHECK(direction({"--in", "--out"}) == std::nullopt);
    // Inbound alone can't be had by accident, but must be possible.
    CHECK(direction({"--in"}) == Direction::in);
    CHECK(fixture.daemon.rules_in_force.front().action == Action::accept);
}

TEST_CASE("doorward allow: time, place, and what a program is called") {
    Fixture fixture;
    const std::int64_t before = std::time(nullptr);
    const auto allowed = fixture.run({"allow", "sh", "--for", "20m", "--last", "--comment", "why"});
    REQUIRE(allowed.status == 0);
    CHECK_THAT(allowed.err, Contains("sh is /"));
    CHECK_THAT(allowed.out, Contains("evaluated last of 3 rules, until 20"));
    const Rule& rule = fixture.daemon.rules_in_force.back();
    REQUIRE(rule.expires);
    CHECK(*rule.expires >= before + 1200);
    CHECK(*rule.expires <= std::time(nullptr) + 1200);
    CHECK(rule.apps.front().text == std::filesystem::canonical("/bin/sh"));
    CHECK(rule.comment == "why");

    const std::string script = fixture.folder / "script";
    fixture.folder.write("script", "#! /bin/sh -e\n");
    const auto refused = fixture.run({"allow", script});
    CHECK(refused.status == 2);
    is_one_line(refused.err);
    CHECK_THAT(refused.err, Contains("interpreter, /bin/sh,"));

    CHECK(fixture.run({"allow", "/opt/*/bin/*"}).status == 0);
    CHECK(fixture.daemon.rules_in_force.front().apps.front().kind == AppPattern::Kind::glob);
    CHECK(fixture.run({"deny", "unknown:no-binding"}).status == 0);
    CHECK(fixture.daemon.rules_in_force.front().apps.front().reason == Unknown::no_binding);
}

TEST_CASE("doorward rules add, remove, enable, disable, reload") {
    Fixture fixture;
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

TEST_CASE("doorward mode") {
    Fixture fixture;
    CHECK(fixture.run({"mode"}).out == "observe\n");
    CHECK(fixture.run({"mode", "enforce"}).status == 0);
    CHECK(fixture.run({"mode"}).out == "enforce\n");
}

TEST_CASE("doorward flows: names that a process chose can't reach the terminal") {
    Fixture fixture;
    const auto table = fixture.run({"flows"});
    CHECK(table.status == 0);
    CHECK_THAT(table.out, Contains("[2001:db8::7]:443") && Contains("alice") && Contains("1 min 1 s"));
    CHECK(table.out.find('\x1b') == std::string::npos);
    const auto data = fixture.run({"flows", "--json"});
    CHECK(json::parse(data.out)[0]["remote_port"] == 443);
    CHECK(std::ranges::all_of(data.out, [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
}

TEST_CASE("doorward explain: the winner, and why the ones before did not match") {
    Fixture fixture;
    const auto won = fixture.run({"explain", "--app", "/usr/bin/curl", "--port", "443"});
    CHECK(won.status == 0);
    CHECK_THAT(won.out, Contains("accept by rule web (/etc/doorward/rules.d/10-web.yaml:2:5)"));
    const auto fell = fixture.run({"explain", "--app", "/opt/none/tool", "--port", "443"});
    CHECK_THAT(fell.out, Contains("web") && Contains("app") && Contains("alice-off") &&
                             Contains("enabled") && Contains("reject by the default for outbound"));
    const auto data = fixture.run({"explain", "--unknown", "kernel", "--direction", "in", "--json"});
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

TEST_CASE("completion knows commands, options, values, and the rules that there are") {
    Fixture fixture;
    // Completes `words`, of which the last one is being typed.
    const auto complete = [&](const std::vector<std::string>& words) {
        std::string line = "source " DOORWARD_SOURCE_DIR "/cli/completion/doorward.bash; COMP_WORDS=(";
        for (const auto& word : words) line += shell_word(word) + " ";
        line += "); COMP_CWORD=" + std::to_string(words.size() - 1) +
                "; _doorward; printf '%s\\n' \"${COMPREPLY[@]}\"";
        const std::string out = fixture.folder / "completed";
        REQUIRE(std::system(("bash -c " + shell_word(line) + " >" + out).c_str()) == 0);
        return fixture.folder.read("completed");
    };
    const std::string command = DOORWARD_COMMAND;
    CHECK(complete({command, "st"}) == "status\n");
    CHECK(complete({command, "rules", "re"}) == "remove\nreload\n");
    CHECK(complete({command, "--color", "al"}) == "always\n");
    CHECK(complete({command, "--color", "=", "ne"}) == "never\n");
    CHECK(complete({command, "--color", "never", "mode", ""}) == "observe\nenforce\n");
    CHECK(complete({command, "deny", "--dr"}) == "--drop\n");
    CHECK(complete({command, "allow", "--dr"}) == "\n");
    CHECK(complete({command, "--socket", fixture.socket, "rules", "remove", "al"}) == "alice-off\n");
    CHECK(complete({command, "--socket", "=", fixture.socket, "rules", "show", ""}) ==
          "web\nalice-off\n");
    CHECK(complete({command, "--socket", "/nonexistent", "rules", "show", ""}) == "\n");
}

TEST_CASE("completion and help know the same options") {
    const Commands commands;
    TempFolder folder;
    for (const std::string words : {"status", "rules list", "rules show", "rules add", "rules remove",
                                    "rules enable", "rules disable", "rules check", "rules reload",
                                    "allow", "deny", "log", "flows", "mode", "explain"}) {
        const std::string line = "source " DOORWARD_SOURCE_DIR
                                 "/cli/completion/doorward.bash; _doorward_options " + shell_word(words);
        REQUIRE(std::system(("bash -c " + shell_word(line) + " >" + folder / "options").c_str()) == 0);
        std::set<std::string> completed;
        std::istringstream options(folder.read("options"));
        for (std::string option; options >> option;) completed.insert(option);

        const auto space = words.find(' ');
        std::vector<std::string> help{words.substr(0, space)};
        if (space != std::string::npos) help.push_back(words.substr(space + 1));
        help.push_back("--help");
        std::set<std::string> helped{"--socket", "--color", "--version"};
        const std::string text = commands.run(help).out;
        // At the beginning of a line only: "Excludes: --drop" is no option of its own.
        const std::regex option("\n +(?:-\\w,)?(--[a-z-]+)");
        for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at)
            helped.insert((*at)[1]);
        INFO(words);
        CHECK(completed == helped);
    }
}

TEST_CASE("doorward: output that can't be written is a failure") {
    Fixture fixture;
    const std::string line = shell_word(DOORWARD_COMMAND) + " --socket " + fixture.socket +
                             " status >/dev/full 2>/dev/null";
    const int status = std::system(line.c_str());
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1));
}
