// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fake_controlled.hpp"
#include "fwd/control_interface.hpp"
#include "fwd/control_json.hpp"
#include "fwd/control_methods.hpp"
#include "fwd/rule_json.hpp"
#include "rule_values.hpp"

using namespace doorward;
using nlohmann::json;

namespace {

struct Fixture {
    FakeControlled daemon;
    ControlMethods methods{daemon, "1.2.3"};

    Reply call(const std::string& name, json parameters = json::object(),
               Access access = Access::change) {
        return methods.call({"org.doorward.Control." + name, std::move(parameters)}, access);
    }
};

const json tcp_flow{{"direction", "out"}, {"protocol", "tcp"}, {"local", "192.0.2.1"},
                    {"remote", "192.0.2.7"}, {"local_port", 4000}, {"remote_port", 443}, {"pid", 99}};

json but(json object, const char* key, json value) {
    object[key] = std::move(value);
    return object;
}

const json curl_rule{{"name", "deny-curl"}, {"action", "reject"}, {"app", {"/usr/bin/curl"}},
                     {"port", {"443"}},
                     {"domain", {"*.example.org"}}};

}  // namespace

TEST_CASE("types survive the way to the client") {
    Fixture fixture;
    const auto status = decode<Status>(fixture.call("GetStatus").parameters, "status");
    REQUIRE(status);
    CHECK(json(*status) == json(fixture.daemon.status()));
    const auto rules = decode<RuleList>(fixture.call("ListRules").parameters, "list");
    REQUIRE(rules);
    REQUIRE(rules->rules.size() == 2);
    CHECK(same_rule(rules->rules[0].rule, fixture.daemon.rules_in_force[0]));
    CHECK(rules->rules[1].rule.place == fixture.daemon.rules_in_force[1].place);
    const auto wrong = decode<Status>({{"status", {{"mode", "sleep"}}}}, "status");
    REQUIRE_FALSE(wrong);
    CHECK_THAT(wrong.error().text(), Catch::Contains("same version"));
}

TEST_CASE("each method needs its right, and nothing is done without it") {
    const auto [method, needed] = GENERATE(table<std::string, Access>({
        {"GetStatus", Access::read}, {"ListRules", Access::read}, {"ListFlows", Access::read}, {"ExportRules", Access::read},
        {"Explain", Access::read}, {"AddRule", Access::change}, {"RemoveRule", Access::change},
        {"SetRuleEnabled", Access::change}, {"UndoChange", Access::change},
        {"ApplyRules", Access::change}, {"ConfirmRules", Access::change},
        {"RevertRules", Access::change}, {"Reload", Access::change}, {"SetMode", Access::change},
        {"CutFlow", Access::change},
    }));
    INFO(method);
    Fixture fixture;
    const json parameters = method == "AddRule" ? json{{"rule", curl_rule}, {"position", "first"}}
                            : method == "RemoveRule" ? json{{"name", "web"}}
                            : method == "SetRuleEnabled" ? json{{"name", "web"}, {"enabled", false}}
                            : method == "ApplyRules" ? json{{"folder", "/x"}}
                            : method == "CutFlow" ? json{{"flow", tcp_flow}}
                            : method == "SetMode" ? json{{"mode", "enforce"}}
                            : method == "Explain" ? json{{"question", {{"app", "/bin/x"}}}}
                                                  : json::object();
    for (const Access access : {Access::none, Access::read, Access::change}) {
        fixture.daemon.asked.clear();
        const Reply reply = fixture.call(method, parameters, access);
        if (access < needed) {
            CHECK(reply.error == "org.doorward.Control.PermissionDenied");
            CHECK(fixture.daemon.asked.empty());
        } else {
            CHECK(reply.error == "");
            CHECK(fixture.daemon.asked.size() == 1);
        }
    }
}

TEST_CASE("everybody may ask what this service is") {
    Fixture fixture;
    const Reply info = fixture.methods.call({"org.varlink.service.GetInfo"}, Access::none);
    CHECK(info.parameters["version"] == "1.2.3");
    CHECK(info.parameters["interfaces"] ==
          json({"org.varlink.service", "org.doorward.Control"}));
    const Reply description = fixture.methods.call(
        {"org.varlink.service.GetInterfaceDescription", {{"interface", "org.doorward.Control"}}},
        Access::none);
    CHECK(description.parameters["description"] == control_interface());
}

TEST_CASE("what does not exist is named") {
    Fixture fixture;
    const Reply method = fixture.call("MakeCoffee");
    CHECK(method.error == "org.varlink.service.MethodNotFound");
    CHECK(method.parameters["method"] == "org.doorward.Control.MakeCoffee");
    const Reply interface = fixture.methods.call({"com.example.Other.Method"}, Access::change);
    CHECK(interface.error == "org.varlink.service.InterfaceNotFound");
    CHECK(interface.parameters["interface"] == "com.example.Other");
    CHECK(fixture.methods.call({"nodots"}, Access::change).error ==
          "org.varlink.service.InterfaceNotFound");
}

TEST_CASE("parameters that are missing, surplus or of the wrong type are named") {
    const auto [method, parameters, wrong] = GENERATE(table<std::string, json, std::string>({
        {"GetStatus", {{"x", 1}}, "x"},
        {"RemoveRule", json::object(), "name"},
        {"RemoveRule", {{"name", 5}}, "name"},
        {"RemoveRule", {{"name", "web"}, {"file", "/etc/passwd"}}, "file"},
        {"SetRuleEnabled", {{"name", "web"}, {"enabled", "yes"}}, "enabled"},
        {"SetMode", {{"mode", "sleep"}}, "mode"},
        {"AddRule", {{"rule", "text"}, {"position", "first"}}, "rule"},
        {"AddRule", {{"rule", curl_rule}}, "position"},
        {"AddRule", {{"rule", curl_rule}, {"position", "middle"}}, "position"},
        {"AddRule", {{"rule", curl_rule}, {"position", "last"}, {"until", "noon"}}, "until"},
        {"AddRule", {{"rule", curl_rule}, {"position", "last"}, {"until", "exit"}}, "pid"},
        {"AddRule", {{"rule", curl_rule}, {"position", "last"}, {"pid", 7}}, "pid"},
        {"AddRule",
         {{"rule", curl_rule}, {"position", "last"}, {"until", "exit"}, {"pid", 0}},
         "pid"},
        {"AddRule",
         {{"rule", curl_rule}, {"position", "last"}, {"until", "restart"}, {"pid", 7}},
         "pid"},
        {"AddRule",
         {{"rule", curl_rule}, {"position", "last"}, {"until", "restart"}, {"started", 7}},
         "started"},
        {"CutFlow", json::object(), "flow"},
        {"CutFlow", {{"flow", but(tcp_flow, "direction", "up")}}, "flow.direction"},
        {"CutFlow", {{"flow", but(tcp_flow, "protocol", "carrier-pigeon")}}, "flow.protocol"},
        {"CutFlow", {{"flow", but(tcp_flow, "remote", "host")}}, "flow.remote"},
        {"CutFlow", {{"flow", but(tcp_flow, "local", json())}}, "flow.local"},
        {"CutFlow", {{"flow", but(tcp_flow, "local_port", 65536)}}, "flow.local_port"},
        {"CutFlow", {{"flow", but(tcp_flow, "pid", -1)}}, "flow.pid"},
        {"CutFlow", {{"flow", but(tcp_flow, "cookie", 1)}}, "flow.cookie"},
        {"ApplyRules", json::object(), "folder"},
        {"ApplyRules", {{"folder", "/x"}, {"confirm", 0}}, "confirm"},
        {"ApplyRules", {{"folder", "/x"}, {"confirm", 86401}}, "confirm"},
        {"ApplyRules", {{"folder", "/x"}, {"session", "ssh"}}, "session"},
        {"ApplyRules", {{"folder", "/x"}, {"session", json::object()}}, "session.local"},
        {"ApplyRules",
         {{"folder", "/x"},
          {"session",
           {{"local", "192.0.2.1"}, {"remote", "host"}, {"local_port", 22}, {"remote_port", 1}}}},
         "session.remote"},
        {"ApplyRules",
         {{"folder", "/x"},
          {"session",
           {{"local", "192.0.2.1"}, {"remote", "192.0.2.2"}, {"local_port", 0}, {"remote_port", 1}}}},
         "session.local_port"},
        {"Explain", {{"question", {{"app", "/x"}, {"port", 65536}}}}, "question.port"},
        {"Explain", {{"question", {{"app", "/x"}, {"port", -1}}}}, "question.port"},
        {"Explain", {{"question", {{"app", "/x"}, {"port", 1.5}}}}, "question.port"},
        {"Explain",
         {{"question", {{"app", "/x"}, {"port", 18446744073709551615u}}}},
         "question.port"},
        {"Explain", {{"question", {{"app", "/x"}, {"colour", "red"}}}}, "question.colour"},
        {"Explain", {{"question", {{"app", "/x"}, {"direction", "up"}}}}, "question.direction"},
    }));
    INFO(method << ' ' << parameters);
    Fixture fixture;
    const Reply reply = fixture.call(method, parameters);
    CHECK(reply.error == "org.varlink.service.InvalidParameter");
    CHECK(reply.parameters == json{{"parameter", wrong}});
    CHECK(fixture.daemon.asked.empty());
}

TEST_CASE("rules are added first or last, as asked") {
    Fixture fixture;
    const Reply reply = fixture.call("AddRule", {{"rule", curl_rule}, {"position", "last"}});
    CHECK(reply.parameters["change"]["position"] == 3);
    CHECK(fixture.daemon.asked == std::vector<std::string>{"add deny-curl last"});
    CHECK(values_of(fixture.daemon.rules_in_force[2], Condition::domain) ==
          Texts{"*.example.org"});
    CHECK(values_of(fixture.daemon.rules_in_force[2], Condition::port) == Texts{"443"});
    CHECK(fixture.call("AddRule", {{"rule", curl_rule}, {"position", "first"}}).error ==
          "org.doorward.Control.RuleExists");
}

TEST_CASE("how long a rule lasts is passed on and listed") {
    Fixture fixture;
    json call{{"rule", curl_rule}, {"position", "first"}, {"until", "restart"}};
    CHECK(fixture.call("AddRule", call).parameters["change"]["file"] == "(until restart)");
    CHECK(fixture.daemon.asked.back() == "add deny-curl first until restart");
    call["rule"]["name"] = "other";
    call.update({{"until", "exit"}, {"pid", 123}, {"started", 45678}});
    CHECK(fixture.call("AddRule", call).error == "");
    CHECK(fixture.daemon.asked.back() == "add other first until PID 123 ends");
    CHECK(fixture.daemon.added_until.started == 45678u);

    using Until = Lifetime::Until;
    for (const auto& lifetime : {Lifetime{}, Lifetime{Until::restart}, Lifetime{Until::exit, 123}}) {
        fixture.daemon.listed_until = lifetime;
        const auto list = decode<RuleList>(fixture.call("ListRules").parameters, "list");
        REQUIRE(list);
        CHECK(list->rules[0].lifetime.until == lifetime.until);
        CHECK(list->rules[0].lifetime.pid == lifetime.pid);
    }
}

TEST_CASE("what is to be applied is passed on") {
    Fixture fixture;
    const json session{{"local", "192.0.2.1"}, {"remote", "2001:db8::7"}, {"local_port", 22},
                       {"remote_port", 40000}};
    const Reply reply =
        fixture.call("ApplyRules", {{"folder", "/x"}, {"confirm", 60}, {"session", session}});
    CHECK(reply.parameters["applied"]["until"] == 1700000060);
    CHECK(fixture.daemon.asked_for.confirm_s == 60u);
    REQUIRE(fixture.daemon.asked_for.session);
    CHECK(fixture.daemon.asked_for.session->remote == *Address::parse("2001:db8::7"));
    CHECK(fixture.daemon.asked_for.session->local_port == 22);
    CHECK(fixture.daemon.asked_for.session->remote_port == 40000);
    CHECK(fixture.call("ApplyRules", {{"folder", "/y"}}).error == "");
    CHECK_FALSE(fixture.daemon.asked_for.confirm_s);
    CHECK_FALSE(fixture.daemon.asked_for.session);
}

TEST_CASE("a rule that makes no sense is refused with its key") {
    const auto [change, reason] = GENERATE(table<json, std::string>({
        {{{"port", {"70000"}}}, "port: "},
        {{{"port", 443}}, "port: this must be a list"},
        {{{"port", json::array()}}, "port: this must be a list"},
        {{{"to", {"example.com"}}}, "to: "},
        {{{"name", "../../etc/passwd"}}, "name: "},
        {{{"name", nullptr}}, "no name"},
        {{{"action", "allow"}}, "action: "},
        {{{"enabled", 1}}, "enabled: "},
        {{{"file", "/etc/passwd"}}, "file: a rule has no such key"},
        {{{"expires", "tomorrow"}}, "expires: "},
        {{{"tags", "office"}}, "tags: this must be a list"},
        {{{"tags", {"Office"}}}, "tags: "},
        {{{"when", {"never"}}}, "when: "},
        {{{"interface", {"a/b"}}}, "interface: "},
        {{{"not", {"port"}}}, "not: this must be an object"},
        {{{"not", {{"port", {"70000"}}}}}, "not: port: "},
        {{{"not", {{"port", "80"}}}}, "not: port: this must be a list"},
        {{{"not", {{"name", "x"}}}}, "not: name: there is no such condition"},
    }));
    Fixture fixture;
    json rule = curl_rule;
    rule.update(change);
    const Reply reply = fixture.call("AddRule", {{"rule", rule}, {"position", "first"}});
    CHECK(reply.error == "org.doorward.Control.InvalidRule");
    CHECK_THAT(reply.parameters["message"].get<std::string>(), Catch::Contains(reason));
    CHECK(fixture.daemon.asked.empty());
}

TEST_CASE("every key of a rule survives JSON") {
    const auto rules = parse_rules(
        "rules:\n- {name: a, action: drop, log: journal, enabled: false, direction: out,\n"
        "   expires: \"2030-01-02T03:04:05Z\", app: [/usr/bin/x, '/opt/*/y', 'unknown:kernel', "
        "unknown],\n"
        "   user: [alice, 1000], protocol: [tcp, 47], to: [10.0.0.0/8, '2001:db8::1'],\n"
        "   from: 192.0.2.1, port: [80, 8000-8080], domain: [a.org, '*.b.org'], comment: 'why: \"so\"',\n"
        "   tags: [office, net], interface: [eth0, 'wl*'], profile: office,\n"
        "   when: ['mon-fri 08:00-17:30', '22:00-06:00'], group: users, unit: ssh.service,\n"
        "   not: {direction: in, port: [22, 'set:web'], to: [lan, 'set:offices'], app: /opt/x,\n"
        "         user: root, when: sat, sha256: 'set:good', domain: 'set:ads', package: curl}}\n",
        "all.yaml");
    REQUIRE(rules);
    const auto back = rule_from_json(rule_to_json(rules->front()));
    REQUIRE(back);
    CHECK(same_rule(*back, rules->front()));
    CHECK(values_of(*back, Condition::port, true) == Texts{"22", "set:web"});
    // What is not set is there too, as null.
    const auto bare = rule_to_json(Rule{});
    for (const auto key : rule_keys()) CHECK(bare.contains(std::string(key)));
    CHECK(bare["not"].is_null());
    CHECK(bare["tags"].is_null());
}

TEST_CASE("an exception of the daemon is an answer, not the end of it") {
    Fixture fixture;
    fixture.daemon.throws = true;
    const Reply reply = fixture.call("GetStatus");
    CHECK(reply.error == "org.doorward.Control.Failed");
    CHECK(reply.parameters["message"] == "internal error: boom");
}

TEST_CASE("leaving the protocol is not implemented") {
    Fixture fixture;
    Call call{"org.doorward.Control.GetStatus"};
    call.upgrade = true;
    CHECK(fixture.methods.call(call, Access::change).error ==
          "org.varlink.service.MethodNotImplemented");
}
