// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions under `not`: met by what is known to be otherwise, never by what isn't known.
#include <catch2/catch.hpp>

#include "rule_trial.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

using Change = void (*)(Situation&);

const std::string office = "profiles: {office: {gateway: 192.0.2.1}}\n";

// `keys` hold of the situation as it is, and no longer with `otherwise`; with `unsaid` it can't be
// said whether they do.
struct Case {
    std::string keys;
    Change otherwise;
    std::vector<Change> unsaid;
};

const Change no_process = [](Situation& s) { s.process.reset(); };
const Change no_group_known = [](Situation& s) { s.process->control_group = {}; };
const Change not_looked_at = [](Situation& s) { s.content.reset(); };
const Change file_gone = [](Situation& s) {
    s.content = ExecutableContent::nothing(Facts::all(), NoContent::gone);
};
const Change nothing_asked = [](Situation& s) {
    s.content = ExecutableContent::nothing({}, NoContent::none);
};
const Change no_network = [](Situation& s) { s.network.reset(); };
const Change no_names = [](Situation& s) { s.names.clear(); };
const Change inbound = [](Situation& s) { s.direction = Direction::in; };
const Change ping = [](Situation& s) { s.protocol = Protocol::icmp; };

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"direction: out", [](Situation& s) { s.direction = Direction::forward; }, {}},
        {"protocol: tcp", [](Situation& s) { s.protocol = Protocol::udp; }, {}},
        {"protocol: [udp, tcp]", ping, {}},
        {"app: /usr/bin/curl", [](Situation& s) { s.process->exe = "/usr/bin/wget"; },
         {no_process, [](Situation& s) { s.process->exe.clear(); }}},
        {"app: /usr/**", [](Situation& s) { s.process->exe = "/opt/x"; },
         {no_process, [](Situation& s) { s.process->exe.clear(); }}},
        {"app: [/usr/bin/curl, 'unknown:kernel']",
         [](Situation& s) { s.process->exe = "/usr/bin/wget"; }, {no_process}},
        {"user: alice", [](Situation& s) { s.process->uid = 1001; }, {no_process}},
        {"user: [bob, 1000]", [](Situation& s) { s.process->uid = 0; }, {no_process}},
        {"group: users", [](Situation& s) { s.process->gid = 10; }, {no_process}},
        {"to: 203.0.113.0/24", [](Situation& s) { s.remote = "203.0.114.7"; }, {}},
        {"to: [10.0.0.0/8, 203.0.113.7]", [](Situation& s) { s.remote = "2001:db8::7"; }, {}},
        {"from: 192.0.2.0/24", [](Situation& s) { s.local = "192.0.3.10"; }, {}},
        {"from: lan", [](Situation& s) { s.local = "198.51.100.1"; }, {no_network}},
        {"from: self", [](Situation& s) { s.local = "192.0.2.11"; }, {no_network}},
        {"port: 443", [](Situation& s) { s.remote_port = 80; },
         {ping, [](Situation& s) { s.protocol = Protocol{47}; }}},
        {"port: [22, 400-500]", [](Situation& s) { s.remote_port = 399; }, {ping}},
        {"profile: office",
         [](Situation& s) { s.network->gateways[0].address = Address::parse("192.0.2.2").value(); },
         {no_network}},
        {"unit: ssh.service", [](Situation& s) { s.process->control_group.units = {"x.service"}; },
         {no_process, no_group_known}},
        {"slice: 'sys*'", [](Situation& s) { s.process->control_group.slices = {"user.slice"}; },
         {no_process, no_group_known}},
        {"container: '*'", [](Situation& s) { s.process->control_group.container.clear(); },
         {no_process, no_group_known}},
        {"parent: /usr/bin/make", [](Situation& s) { s.process->ancestors = {"/usr/bin/bash"}; },
         {no_process, [](Situation& s) {
              s.process->ancestors = {"/usr/bin/bash"};
              s.process->ancestors_whole = false;
          }}},
        {"injected: library-path", [](Situation& s) { s.process->injected = {.found = 5, .unknown = 0}; },
         {no_process, [](Situation& s) { s.process->injected = {.found = 5, .unknown = 2}; }}},
        {"injected: [preload, any]", [](Situation& s) { s.process->injected = {.found = 8, .unknown = 0}; },
         {no_process, [](Situation& s) { s.process->injected = {.found = 8, .unknown = 4}; }}},
        {"domain: '*.example.org'", [](Situation& s) { s.names = {"example.org", "a.net"}; },
         {no_names, inbound}},
        {"domain: [a.net, www.example.org]", [](Situation& s) { s.names = {"example.org"}; },
         {no_names, inbound}},
        {"interface: 'eth*'", [](Situation& s) { s.interface = "wlan0"; },
         {[](Situation& s) { s.interface.clear(); }}},
        {"package: 'cu*'", [](Situation& s) { s.content->package = "wget"; },
         {no_process, not_looked_at, file_gone, nothing_asked}},
        {"verity: 'sha256:" + digest_of_curl + "'",
         [](Situation& s) { s.content->verity = "sha256:" + std::string(64, 'a'); },
         {no_process, not_looked_at, file_gone, nothing_asked}},
        {"sha256: " + digest_of_curl,
         [](Situation& s) { s.content->sha256 = parse_sha256_hex(std::string(64, 'a')); },
         {no_process, not_looked_at, file_gone, nothing_asked}},
        {"when: mon 08:00-12:00", [](Situation& s) { s.minute = 12 * 60; },
         {[](Situation& s) { s.minute = Surroundings::no_minute; }}},
    };
    return all;
}

}  // namespace

TEST_CASE("a condition and its negation: one holds, or neither") {
    for (const Case& each : cases()) {
        const std::string negated = "not: {" + each.keys + "}";
        INFO(each.keys);
        const Situation as_is;
        CHECK(meets(each.keys, as_is, office));
        CHECK_FALSE(meets(negated, as_is, office));
        Situation other;
        each.otherwise(other);
        CHECK_FALSE(meets(each.keys, other, office));
        CHECK(meets(negated, other, office));
        for (std::size_t i = 0; i < each.unsaid.size(); ++i) {
            INFO("unsaid " << i);
            Situation unsaid;
            each.unsaid[i](unsaid);
            CHECK_FALSE(meets(each.keys, unsaid, office));
            CHECK_FALSE(meets(negated, unsaid, office));
        }
    }
}

TEST_CASE("every condition has been tried under not") {
    for (const ConditionInfo& info : conditions()) {
        if (info.condition == Condition::script) continue;  // below: alone it is refused
        INFO(info.key);
        CHECK(std::ranges::any_of(cases(), [&](const Case& each) {
            return each.keys.find(std::string(info.key) + ": ") != std::string::npos;
        }));
    }
}

TEST_CASE("not unknown is every program that is known, and another reason") {
    Situation s;
    CHECK(meets("not: {app: unknown}", s));
    CHECK(meets("not: {app: 'unknown:kernel'}", s));
    s.process.reset();
    CHECK_FALSE(meets("not: {app: unknown}", s));
    CHECK(meets("not: {app: 'unknown:kernel'}", s));
    s.unknown = Unknown::kernel;
    CHECK_FALSE(meets("not: {app: 'unknown:kernel'}", s));
}

TEST_CASE("not a script") {
    const auto negated = [](const std::string& script, const Situation& s) {
        return meets("app: /usr/bin/curl, not: {script: '" + script + "'}", s);
    };
    Situation s;
    CHECK_FALSE(negated("/opt/run.py", s));
    CHECK_FALSE(negated("/opt/**", s));
    CHECK(negated("module:*", s));
    s.process->script = "module:http.server";
    CHECK(negated("/opt/run.py", s));
    CHECK_FALSE(negated("module:http.*", s));
    s.process->script = "unknown:options";  // which one it is can't be told
    CHECK_FALSE(negated("/opt/run.py", s));
    CHECK_FALSE(negated("module:*", s));
    s.process->script.clear();  // no interpreter
    CHECK(negated("/opt/run.py", s));
    s.process.reset();
    CHECK_FALSE(meets("not: {script: /opt/run.py}", s));
}

TEST_CASE("an ancestor that is found needs no whole row, one that is missing does") {
    Situation s;
    s.process->ancestors = {"", "/usr/bin/make"};
    s.process->ancestors_whole = false;
    CHECK(meets("parent: /usr/bin/make", s));
    CHECK_FALSE(meets("not: {parent: /usr/bin/make}", s));
    CHECK_FALSE(meets("not: {parent: /usr/bin/bash}", s));
    s.process->ancestors = {"/usr/bin/make"};
    s.process->ancestors_whole = true;
    CHECK(meets("not: {parent: /usr/bin/bash}", s));
}

TEST_CASE("a file in no package, as is known for certain, is in none that is named") {
    Situation s;
    s.content->package.clear();
    CHECK(meets("not: {package: curl}", s));
    CHECK_FALSE(meets("package: '*'", s));
    s.content->missing = NoContent::timed_out;
    CHECK_FALSE(meets("not: {package: curl}", s));
}

TEST_CASE("what nobody has looked at is asked for by a negated condition too") {
    Situation s;
    s.content.reset();
    const auto rules = compiled({"rules: [{name: r, not: {package: wget}, action: accept}]"});
    const auto decision = rules->decide(s.flow(), s.around());
    CHECK(unanswered(decision, s.flow()) == Facts{Fact::package});
    CHECK(decision.rule == Decision::no_rule);
}

TEST_CASE("several negated conditions must each not be met") {
    Situation s;
    CHECK(meets("not: {port: 80, user: bob}", s));
    CHECK_FALSE(meets("not: {port: 443, user: bob}", s));
    CHECK_FALSE(meets("not: {port: 80, user: alice}", s));
    CHECK_FALSE(meets("not: {port: 443, user: alice}", s));
    s.protocol = Protocol::icmp;
    CHECK_FALSE(meets("not: {port: 80, user: bob}", s));
}

TEST_CASE("a condition and the exception to it stand in one rule") {
    Situation s;
    const std::string keys =
        "port: 1-1000, to: 203.0.113.0/24, not: {port: [80, 443], to: 203.0.113.9}";
    CHECK_FALSE(meets(keys, s));
    s.remote_port = 22;
    CHECK(meets(keys, s));
    s.remote = "203.0.113.9";
    CHECK_FALSE(meets(keys, s));
    s.remote = "203.0.113.8";
    s.remote_port = 1001;
    CHECK_FALSE(meets(keys, s));
}

TEST_CASE("explain tells a negated condition from a plain one") {
    const auto rules = compiled({"rules:\n"
                                 "- {name: a, not: {port: 443}, action: drop}\n"
                                 "- {name: b, port: 80, not: {app: /x}, action: drop}\n"
                                 "- {name: c, not: {port: 80}, action: accept}\n"});
    const Situation s;
    const auto trials = rules->explain(s.flow(), s.around());
    REQUIRE(trials.size() == 3);
    CHECK((trials[0].failed == Condition::port && trials[0].negated));
    CHECK((trials[1].failed == Condition::port && !trials[1].negated));
    CHECK(trials[2].failed == Condition::none);
}

TEST_CASE("what not may say, and what it may not") {
    const auto error = [](const std::string& lines) {
        return refusal_of({"rules:\n  - name: r\n    action: drop\n    not:" + lines + "\n"});
    };
    CHECK(error(" {port: 80}") == "accepted");
    CHECK_THAT(error(""), StartsWith("a.yaml:4:5: rule \"r\": not: "));
    CHECK_THAT(error(" {}"), StartsWith("a.yaml:4:10: rule \"r\": not: there is nothing in it"));
    CHECK_THAT(error(" port"), StartsWith("a.yaml:4:10: rule \"r\": not: "));
    CHECK_THAT(error(" [{port: 80}]"), StartsWith("a.yaml:4:10: rule \"r\": not: "));
    CHECK_THAT(error("\n      prot: tcp"),
               StartsWith("a.yaml:5:7: rule \"r\": not: unknown key \"prot\"") &&
                   Contains("\"protocol\""));
    for (const char* key : {"name: x", "action: drop", "enabled: false", "not: {port: 1}",
                            "expires: 2027-01-31T18:00:00Z", "tags: x", "rules: []", "log: audit"})
        CHECK_THAT(error("\n      " + std::string(key)),
                   StartsWith("a.yaml:5:7: rule \"r\": not: unknown key"));
    CHECK_THAT(error("\n      port: 70000"), StartsWith("a.yaml:5:13: ") && Contains("port: "));
    CHECK_THAT(error("\n      port: []"), StartsWith("a.yaml:5:13: "));
    CHECK_THAT(error("\n      direction: [in, out]"), StartsWith("a.yaml:5:18: "));
    CHECK_THAT(error("\n      user: [alice, carol]"),
               StartsWith("a.yaml:5:21: there is no user \"carol\""));
    CHECK_THAT(error(" {port: 80}\n    not: {port: 81}"), StartsWith("a.yaml:5:5: "));
}

TEST_CASE("what would contradict itself without not is sound with it") {
    CHECK(refusal_of({"rules: [{name: r, port: 80, not: {protocol: icmp}, action: drop}]"}) ==
          "accepted");
    CHECK(refusal_of({"rules: [{name: r, direction: in, not: {domain: a.net}, action: drop}]"}) ==
          "accepted");
    CHECK(refusal_of({"rules: [{name: r, user: alice, not: {app: unknown}, action: drop}]"}) ==
          "accepted");
    CHECK(refusal_of({"rules: [{name: r, not: {script: /x}, action: drop}]"}) == "accepted");
}
