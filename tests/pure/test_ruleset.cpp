// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "oracle.hpp"
#include "rules/rule_text.hpp"
#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

using Compiled = std::shared_ptr<const Ruleset>;

Compiled compile(std::string_view yaml, Defaults defaults = {}) {
    auto rules = parse_rules(yaml, "test.yaml");
    INFO((rules ? std::string() : rules.error().text()));
    REQUIRE(rules);
    auto ruleset = Ruleset::compile(std::move(*rules), defaults, oracle::test_environment());
    INFO((ruleset ? std::string() : ruleset.error().text()));
    REQUIRE(ruleset);
    return *ruleset;
}

Error compile_error(std::string_view yaml) {
    auto rules = parse_rules(yaml, "test.yaml");
    REQUIRE(rules);
    auto ruleset = Ruleset::compile(std::move(*rules), {}, oracle::test_environment());
    REQUIRE_FALSE(ruleset);
    return ruleset.error();
}

Process process(std::string exe, std::uint32_t uid = 1000) {
    Process process;
    process.pid = 100;
    process.uid = uid;
    process.exe = std::move(exe);
    return process;
}

Flow outbound(const Process* process, const char* remote = "203.0.113.7", std::uint16_t port = 443,
              Protocol protocol = Protocol::tcp) {
    Flow flow;
    flow.protocol = protocol;
    flow.local = Address::parse("192.0.2.1").value();
    flow.remote = Address::parse(remote).value();
    flow.local_port = 40000;
    flow.remote_port = port;
    flow.process = process;
    flow.unknown = process ? Unknown::none : Unknown::no_binding;
    return flow;
}

Flow inbound(const Process* process, const char* remote, std::uint16_t local_port) {
    Flow flow = outbound(process, remote, 50000);
    flow.direction = Direction::in;
    flow.local_port = local_port;
    return flow;
}

// The name of the winning rule; "-" for the default. explain() must say the same.
std::string winner(const Compiled& rules, const Flow& flow, std::int64_t now = 0) {
    const auto decision = rules->decide(flow, now);
    const auto trials = rules->explain(flow, now);
    const bool explained = !trials.empty() && trials.back().failed == Condition::none;
    CHECK((explained ? trials.back().rule : Decision::no_rule) == decision.rule);
    if (decision.rule == Decision::no_rule) return "-";
    return std::string(rules->name(decision.rule));
}

}  // namespace

TEST_CASE("the first match wins, then the default of the direction") {
    const auto rules = compile(R"(rules:
  - {name: a, app: /usr/bin/curl, port: 443, action: accept}
  - {name: b, app: /usr/bin/curl, action: drop}
  - {name: c, to: 203.0.113.0/24, action: reject}
)", {Action::reject, Action::drop});
    const auto curl = process("/usr/bin/curl");
    const auto wget = process("/usr/bin/wget");
    CHECK(winner(rules, outbound(&curl)) == "a");
    CHECK(winner(rules, outbound(&curl, "203.0.113.7", 80)) == "b");
    CHECK(winner(rules, outbound(&wget)) == "c");
    CHECK(winner(rules, outbound(&wget, "198.51.100.1")) == "-");
    CHECK(rules->decide(outbound(&wget, "198.51.100.1"), 0).action == Action::reject);
    CHECK(rules->decide(inbound(&wget, "198.51.100.1", 22), 0).action == Action::drop);
    CHECK(rules->decide(outbound(&curl), 0).action == Action::accept);
}

TEST_CASE("rules with exact paths and rules without keep their order") {
    const auto rules = compile(R"(rules:
  - {name: any-53, port: 53, action: accept}
  - {name: curl, app: /usr/bin/curl, action: drop}
  - {name: mixed, app: [/usr/bin/wget, "/opt/**"], action: accept}
  - {name: rest, app: "/**", action: reject}
)");
    const auto curl = process("/usr/bin/curl");
    const auto wget = process("/usr/bin/wget");
    const auto tool = process("/opt/x/tool");
    const auto other = process("/usr/bin/dig");
    CHECK(winner(rules, outbound(&curl, "203.0.113.7", 53)) == "any-53");
    CHECK(winner(rules, outbound(&curl)) == "curl");
    CHECK(winner(rules, outbound(&wget)) == "mixed");
    CHECK(winner(rules, outbound(&tool)) == "mixed");
    CHECK(winner(rules, outbound(&other)) == "rest");
    CHECK(winner(rules, outbound(nullptr)) == "-");
}

TEST_CASE("a path matches as it was written and without its symbolic links") {
    const auto rules = compile("rules: [{name: a, app: /usr/bin/python3, action: accept}]");
    const auto link = process("/usr/bin/python3");
    const auto file = process("/usr/bin/python3.11");
    const auto near = process("/usr/bin/python3.1");
    const auto longer = process("/usr/bin/python3.11/x");
    CHECK(winner(rules, outbound(&link)) == "a");
    CHECK(winner(rules, outbound(&file)) == "a");
    CHECK(winner(rules, outbound(&near)) == "-");
    CHECK(winner(rules, outbound(&longer)) == "-");
}

TEST_CASE("an executable without a path matches no app, and a deleted one still matches") {
    const auto rules = compile(
        "rules: [{name: glob, app: '/**', action: accept}, "
        "{name: path, app: /usr/bin/curl, action: accept}, "
        "{name: unknown, app: unknown, action: accept}]");
    const auto empty = process("");
    CHECK(winner(rules, outbound(&empty)) == "-");
    auto deleted = process("/usr/bin/curl");
    deleted.exe_unlinked = true;
    CHECK(winner(rules, outbound(&deleted)) == "glob");
}

TEST_CASE("unknown processes match `unknown` only") {
    const auto rules = compile(R"(rules:
  - {name: path, app: /usr/bin/curl, action: accept}
  - {name: glob, app: "/**", action: accept}
  - {name: user, user: [root, alice, 4294967294], action: accept}
  - {name: kernel, app: unknown:kernel, action: accept}
  - {name: any, app: unknown, port: 53, action: accept}
)");
    auto flow = outbound(nullptr);
    CHECK(winner(rules, flow) == "-");
    flow.unknown = Unknown::kernel;
    CHECK(winner(rules, flow) == "kernel");
    flow = outbound(nullptr, "203.0.113.7", 53);
    CHECK(winner(rules, flow) == "any");
    const auto dig = process("", 7);
    CHECK(winner(rules, outbound(&dig, "203.0.113.7", 53)) == "-");
}

TEST_CASE("users by name and by number") {
    const auto rules = compile(
        "rules: [{name: a, user: [alice, 7], action: accept}, {name: r, user: 0, action: drop}]");
    const auto alice = process("/x", 1000);
    const auto seven = process("/x", 7);
    const auto root = process("/x", 0);
    const auto bob = process("/x", 1001);
    CHECK(winner(rules, outbound(&alice)) == "a");
    CHECK(winner(rules, outbound(&seven)) == "a");
    CHECK(winner(rules, outbound(&root)) == "r");
    CHECK(winner(rules, outbound(&bob)) == "-");
}

TEST_CASE("to, from and port speak of the packet that opened the flow") {
    const auto rules = compile(R"(rules:
  - {name: ssh-in, direction: in, protocol: tcp, from: 10.0.0.0/8, port: 22, action: accept}
  - {name: ssh-out, direction: out, protocol: tcp, to: 10.0.0.0/8, port: 22, action: accept}
  - {name: both, from: 192.0.2.1, to: 10.0.0.0/8, action: accept}
)");
    const auto sshd = process("/usr/sbin/sshd", 0);
    CHECK(winner(rules, inbound(&sshd, "10.1.2.3", 22)) == "ssh-in");
    CHECK(winner(rules, inbound(&sshd, "11.1.2.3", 22)) == "-");
    CHECK(winner(rules, inbound(&sshd, "10.1.2.3", 2222)) == "-");
    CHECK(winner(rules, outbound(&sshd, "10.1.2.3", 22)) == "ssh-out");
    CHECK(winner(rules, outbound(&sshd, "10.1.2.3", 23)) == "both");
    CHECK(winner(rules, outbound(&sshd, "11.1.2.3", 22)) == "-");
}

TEST_CASE("a port matches only protocols that have ports") {
    const auto rules = compile("rules: [{name: a, port: 0-65535, action: accept}]");
    const auto ping = process("/usr/bin/ping");
    CHECK(winner(rules, outbound(&ping, "203.0.113.7", 0, Protocol::icmp)) == "-");
    CHECK(winner(rules, outbound(&ping, "2001:db8::1", 0, Protocol::icmpv6)) == "-");
    CHECK(winner(rules, outbound(&ping, "203.0.113.7", 0, Protocol{47})) == "-");
    for (const auto protocol :
         {Protocol::tcp, Protocol::udp, Protocol::udplite, Protocol::sctp})
        CHECK(winner(rules, outbound(&ping, "203.0.113.7", 9, protocol)) == "a");
}

TEST_CASE("address families don't mix") {
    const auto rules = compile(
        "rules: [{name: v4, to: 0.0.0.0/0, action: accept}, {name: v6, to: '::/0', action: drop}]");
    CHECK(winner(rules, outbound(nullptr, "203.0.113.7")) == "v4");
    CHECK(winner(rules, outbound(nullptr, "2001:db8::1")) == "v6");
}

TEST_CASE("expired and disabled rules don't match, and explain still shows them") {
    const auto rules = compile(R"(rules:
  - {name: off, enabled: false, action: accept}
  - {name: old, expires: "1970-01-01T00:01:40Z", action: accept}
  - {name: rest, action: drop}
)");
    const auto flow = outbound(nullptr);
    CHECK(winner(rules, flow, 99) == "old");
    CHECK(winner(rules, flow, 100) == "rest");
    const auto trials = rules->explain(flow, 100);
    REQUIRE(trials.size() == 3);
    CHECK(trials[0].failed == Condition::enabled);
    CHECK(trials[1].failed == Condition::expires);
    CHECK(trials[2].failed == Condition::none);
    CHECK(rules->explain(flow, 99).size() == 2);
}

TEST_CASE("explain names the first condition that failed") {
    const auto rules = compile(R"(rules:
  - {name: a, direction: in, port: 1, action: accept}
  - {name: b, protocol: udp, port: 1, action: accept}
  - {name: c, app: /usr/bin/wget, user: bob, action: accept}
  - {name: d, app: /usr/bin/curl, user: bob, to: 10.0.0.0/8, action: accept}
  - {name: e, to: 10.0.0.0/8, port: 1, action: accept}
  - {name: f, to: 203.0.113.7, port: 1, action: accept}
  - {name: g, from: 10.0.0.0/8, expires: "1970-01-01T00:00:01Z", action: accept}
)");
    const auto curl = process("/usr/bin/curl");
    const auto trials = rules->explain(outbound(&curl), 100);
    std::vector<std::string_view> names;
    for (const auto& trial : trials) names.push_back(condition_name(trial.failed));
    CHECK(names == std::vector<std::string_view>{"direction", "protocol", "app", "user", "to",
                                                 "port", "from"});
}

TEST_CASE("dependencies are what was looked at") {
    const auto curl = process("/usr/bin/curl");
    const auto bits = [&](std::string_view yaml, const Flow& flow) {
        return compile(yaml)->decide(flow, 0).depends_on;
    };
    const auto none = bits("rules: [{name: a, action: accept}]", outbound(&curl));
    CHECK(none.bits() == 0);
    const auto empty = bits("", outbound(&curl));
    CHECK(empty.has(Input::direction));
    // What only the index looked at counts for the rules before the winner, not for those behind it.
    const auto held_back =
        bits("rules: [{name: b, app: /x, action: drop}, {name: a, action: accept}]",
             outbound(&curl));
    CHECK(held_back.has(Input::executable));
    const auto behind =
        bits("rules: [{name: a, action: accept}, {name: b, app: /x, action: drop}]",
             outbound(&curl));
    CHECK(behind.bits() == 0);
    const auto to = bits("rules: [{name: a, to: 10.0.0.0/8, action: accept}]", outbound(&curl));
    CHECK(to.has(Input::remote_address));
    CHECK(to.has(Input::direction));
    CHECK_FALSE(to.has(Input::local_address));
    const auto from = bits("rules: [{name: a, from: 10.0.0.0/8, action: accept}]", outbound(&curl));
    CHECK(from.has(Input::local_address));
    const std::string expiring = "rules: [{name: a, port: 80, expires: '2030-01-01T00:00:00Z', "
                                 "action: accept}]";
    CHECK_FALSE(bits(expiring, outbound(&curl)).has(Input::time));
    CHECK(bits(expiring, outbound(&curl, "10.0.0.1", 80)).has(Input::time));
    const auto disabled =
        bits("rules: [{name: a, enabled: false, app: /x, user: 1, action: drop}]", outbound(&curl));
    CHECK_FALSE(disabled.has(Input::executable));
    CHECK_FALSE(disabled.has(Input::user));
}

TEST_CASE("compile refuses unknown users and names used twice over files") {
    const auto error =
        compile_error("rules:\n  - name: a\n    user: [alice, carol]\n    action: drop\n");
    CHECK(error.text().starts_with("test.yaml:3:19: there is no user \"carol\""));

    auto rules = parse_rules("rules: [{name: web, action: drop}]", "10-a.yaml").value();
    auto more = parse_rules("rules:\n  - name: web\n    action: drop\n", "20-b.yaml").value();
    rules.push_back(more.front());
    const auto twice = Ruleset::compile(rules, {}, oracle::test_environment());
    REQUIRE_FALSE(twice);
    CHECK(twice.error().text().starts_with(
        "20-b.yaml:2:5: rule name \"web\" is taken: it is first used in 10-a.yaml:1:10"));

    rules.pop_back();
    rules.front().place.file = "x.yaml";
    rules.front().add(Condition::app, {"/a["});
    rules.front().terms.front().values.front() = {"/a[", 7, 9};
    const auto bad = Ruleset::compile(rules, {}, oracle::test_environment());
    REQUIRE_FALSE(bad);
    CHECK(bad.error().place == Place{"x.yaml", 7, 9});
}

TEST_CASE("summaries name who and where in one line") {
    const auto of = [](std::string_view yaml) {
        return summary(parse_rules(yaml, "t").value().front());
    };
    CHECK(of("rules: [{name: a, app: /usr/bin/curl, to: 203.0.113.0/24, protocol: tcp, port: 443, "
             "action: drop}]") == "curl → 203.0.113.0/24 tcp/443");
    CHECK(of("rules: [{name: a, action: drop}]") == "any program → anywhere");
    CHECK(of("rules: [{name: a, app: ['/opt/**', unknown], user: alice, direction: in, "
             "from: 10.0.0.0/8, port: [22, 80-90], action: drop}]") ==
          "/opt/**,unknown as alice → in from 10.0.0.0/8 port 22,80-90");
}
