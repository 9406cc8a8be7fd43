// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/explain.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

const Environment environment{
    [](std::string_view name) {
        return name == "alice" ? std::optional(std::uint32_t{1000}) : std::nullopt;
    },
    [](const std::string& path) { return path == "/bin/link" ? "/bin/real" : path; }};

std::shared_ptr<const Ruleset> ruleset_of(const std::string& text) {
    auto rules = parse_rules(text, "rules.yaml");
    REQUIRE(rules);
    return *Ruleset::compile(std::move(*rules), Defaults{}, environment);
}

const char* const rules =
    "rules:\n"
    "- {name: icmp, protocol: icmp, action: accept}\n"
    "- {name: real, app: /bin/real, user: alice, port: 22, action: accept}\n"
    "- {name: home, direction: in, from: 192.0.2.0/24, port: 80, action: accept}\n"
    "- {name: kernel, app: 'unknown:kernel', action: drop}\n"
    "- {name: soon, expires: 2030-01-01T00:00:00Z, to: 2001:db8::1, action: drop}\n";

const auto nothing = [](const std::string&, Facts) {
    return std::shared_ptr<const ExecutableContent>();
};

Explanation ask(const FlowQuestion& question, std::int64_t now = 0) {
    const auto explanation = explain_question(*ruleset_of(rules), question, environment, now, nothing);
    REQUIRE(explanation);
    return *explanation;
}

using Failed = std::vector<std::string>;

Failed failed(const Explanation& explanation) {
    Failed names;
    for (const auto& trial : explanation.trials) names.push_back(trial.failed);
    return names;
}

}  // namespace

TEST_CASE("the winner is named with its place, the ones before with what failed") {
    const auto won = ask({.app = "/bin/link", .user = "alice", .port = 22});
    CHECK(won.rule == "real");
    CHECK(won.action == Action::accept);
    CHECK(won.place == Place{"rules.yaml", 3, 4});
    CHECK(failed(won) == Failed{"protocol"});
    CHECK(won.trials[0].rule == "icmp");
}

TEST_CASE("without a winner the default of the direction decides") {
    const auto out = ask({.app = "/bin/real", .user = "1000", .port = 23});
    CHECK_FALSE(out.rule);
    CHECK(out.action == Action::reject);
    CHECK(failed(out) == Failed{"protocol", "port", "direction", "app", "to"});
    CHECK(ask({.direction = Direction::in, .app = "/bin/x"}).action == Action::drop);
}

TEST_CASE("to, from and port are of the first packet, whichever way it goes") {
    FlowQuestion question{.direction = Direction::in, .app = "/bin/x", .to = "198.51.100.1",
                          .from = "192.0.2.9", .port = 80};
    CHECK(ask(question).rule == "home");
    std::swap(question.to, question.from);
    CHECK_FALSE(ask(question).rule);
}

TEST_CASE("time and unknown processes are asked about like the rest") {
    CHECK(ask({.unknown = "kernel"}).rule == "kernel");
    CHECK_FALSE(ask({.unknown = "no-binding"}).rule);
    const FlowQuestion question{.app = "/bin/x", .to = "2001:db8::1"};
    CHECK(ask(question, 1893455999).rule == "soon");
    CHECK(failed(ask(question, 1893456000)).back() == "expires");
}

TEST_CASE("a negated condition is told from a plain one") {
    const auto set = ruleset_of("rules:\n- {name: a, not: {port: 22}, action: drop}\n"
                                "- {name: b, port: 23, action: drop}\n"
                                "- {name: c, not: {user: alice}, action: accept}\n");
    const FlowQuestion question{.app = "/bin/x", .user = "7", .port = 22};
    const auto explanation = explain_question(*set, question, environment, 0, nothing);
    REQUIRE(explanation);
    CHECK(explanation->rule == "c");
    CHECK(failed(*explanation) == Failed{"not port", "port"});
}

TEST_CASE("a program in no unit, as the question says by naming none, is not in one that is named") {
    const auto asked = [](const std::string& condition) {
        const auto set = ruleset_of("rules: [{name: a, not: {" + condition + "}, action: accept}]");
        const auto explanation =
            explain_question(*set, {.app = "/bin/x"}, environment, 0, nothing);
        REQUIRE(explanation);
        return explanation->rule;
    };
    CHECK(asked("unit: ssh.service") == "a");
    CHECK(asked("slice: system.slice") == "a");
    CHECK(asked("container: '*'") == "a");
    CHECK(asked("parent: /usr/bin/make") == "a");
}

TEST_CASE("what surrounds the host is asked about as it is given") {
    const auto set = ruleset_of("rules: [{name: a, when: mon, to: lan, action: accept}]");
    const FlowQuestion question{.app = "/bin/x", .to = "192.0.2.7"};
    Network network;
    network.lan = {Prefix::parse("192.0.2.0/24").value()};
    const auto rule = [&](const Surroundings& around) {
        return explain_question(*set, question, environment, around, nothing)->rule;
    };
    CHECK(rule({0, 600, &network}) == "a");
    CHECK_FALSE(rule({0, 24 * 60, &network}));
    CHECK_FALSE(rule({0, 600}));
    CHECK_FALSE(rule(0));
}

TEST_CASE("questions that make no sense are refused with the reason") {
    const auto [question, reason] = GENERATE(table<FlowQuestion, std::string>({
        {FlowQuestion{}, "either"},
        {{.app = "/x", .unknown = "kernel"}, "either"},
        {{.app = "x"}, "app: "},
        {{.app = "/x", .user = "bob"}, "user: "},
        {{.app = "/x", .user = "-1"}, "user: "},
        {{.app = "/x", .user = "99999999999"}, "user: "},
        {{.app = "/x", .protocol = "smtp"}, "protocol: "},
        {{.app = "/x", .to = "10.0.0.0/8"}, "to: "},
        {{.app = "/x", .from = "localhost"}, "from: "},
        {{.unknown = "none"}, "unknown: "},
        {{.unknown = "magic"}, "unknown: "},
    }));
    const auto answer = explain_question(*ruleset_of(rules), question, environment, 0, nothing);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ControlFailure::Kind::invalid_rule);
    CHECK_THAT(answer.error().error.text(), Catch::Contains(reason));
}

TEST_CASE("the file at the path is looked into if a rule asks for it, and only then") {
    const std::string pinned =
        "rules:\n- {name: ssh, port: 22, action: drop}\n"
        "- {name: real, package: curl, sha256: " + std::string(64, 'a') + ", action: accept}\n";
    int asked = 0;
    auto known = ExecutableContent::nothing(Facts::all(), NoContent::none);
    known.package = "curl";
    const ContentOfPath content = [&](const std::string& path, Facts) {
        ++asked;
        CHECK(path == "/bin/real");
        return std::make_shared<const ExecutableContent>(known);
    };
    const auto explained = [&](std::uint16_t port, const ContentOfPath& content_of) {
        const FlowQuestion question{.app = "/bin/link", .port = port};
        const auto explanation =
            explain_question(*ruleset_of(pinned), question, environment, 0, content_of);
        REQUIRE(explanation);
        return *explanation;
    };
    CHECK(explained(22, content).rule == "ssh");
    CHECK(asked == 0);
    CHECK(failed(explained(80, content)) == Failed{"port", "sha256"});
    known.sha256 = parse_sha256_hex(std::string(64, 'a'));
    CHECK(explained(80, content).rule == "real");
    CHECK(asked == 2);
    // Where it takes too long, nothing about the file is met.
    CHECK(failed(explained(80, nothing)) == Failed{"port", "package"});
}

TEST_CASE("the interface of the question is asked; without one it is not known") {
    const auto ruleset = ruleset_of("rules:\n- {name: tunnel, interface: 'tun*', action: accept}\n"
                                    "- {name: other, not: {interface: eth0}, action: drop}\n");
    const auto winner = [&](std::optional<std::string> interface) {
        FlowQuestion question{.app = "/bin/real"};
        question.interface = std::move(interface);
        const auto told = explain_question(*ruleset, question, environment, 0, nothing);
        REQUIRE(told);
        return told->rule.value_or("none");
    };
    CHECK(winner("tun0") == "tunnel");
    CHECK(winner("wlan0") == "other");
    CHECK(winner("eth0") == "none");
    CHECK(winner(std::nullopt) == "none");
}
