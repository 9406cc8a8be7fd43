// SPDX-License-Identifier: GPL-2.0-or-later
// Named sets of addresses, ports, domains and digests.
#include <catch2/catch.hpp>

#include "rule_trial.hpp"

using namespace doorward;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const std::string other_digest(64, 'a');

const std::string sets = "sets:\n"
                         "  offices: {addresses: [203.0.113.0/28, \"2001:db8::/32\"]}\n"
                         "  world:\n    addresses: [set:offices, 198.51.100.1]\n"
                         "  web: {ports: [80, 443, 8000-8080]}\n"
                         "  more: {ports: [set:web, 22]}\n"
                         "  ours: {domains: [example.org, \"*.Example.org\"]}\n"
                         "  all: {domains: [set:ours, a.net]}\n"
                         "  good: {sha256: " + digest_of_curl + "}\n";

}  // namespace

TEST_CASE("a set of addresses, in `to` and in `from`") {
    Situation s;
    CHECK(meets("to: set:offices", s, sets));
    CHECK(meets("to: set:world", s, sets));
    CHECK(meets("to: [10.0.0.0/8, set:offices]", s, sets));
    CHECK_FALSE(meets("not: {to: set:world}", s, sets));
    CHECK_FALSE(meets("from: set:world", s, sets));
    s.remote = "2001:db8:ffff::1";
    CHECK(meets("to: set:world", s, sets));
    for (const char* outside : {"203.0.113.16", "198.51.100.2", "2001:db9::1", "10.0.0.1"}) {
        s.remote = outside;
        CHECK_FALSE(meets("to: set:world", s, sets));
        CHECK(meets("not: {to: set:world}", s, sets));
    }
    CHECK(meets("to: [10.0.0.0/8, set:offices]", s, sets));  // the last: by its own value
    s.remote = "198.51.100.1";
    CHECK(meets("to: set:world", s, sets));
    CHECK_FALSE(meets("to: set:offices", s, sets));
    s.direction = Direction::in;
    CHECK(meets("from: set:world", s, sets));
    CHECK_FALSE(meets("to: set:world", s, sets));
}

TEST_CASE("a set of ports") {
    Situation s;
    CHECK(meets("port: set:web", s, sets));
    CHECK_FALSE(meets("not: {port: set:web}", s, sets));
    for (const int port : {79, 81, 442, 444, 7999, 8081}) {
        s.remote_port = static_cast<std::uint16_t>(port);
        CHECK_FALSE(meets("port: set:web", s, sets));
        CHECK_FALSE(meets("port: set:more", s, sets));
        CHECK(meets("not: {port: set:web}", s, sets));
    }
    for (const int port : {80, 8000, 8040, 8080}) {
        s.remote_port = static_cast<std::uint16_t>(port);
        CHECK(meets("port: set:more", s, sets));
    }
    s.remote_port = 22;
    CHECK(meets("port: set:more", s, sets));
    CHECK_FALSE(meets("port: set:web", s, sets));
    CHECK(meets("port: [set:web, 20-22]", s, sets));
    s.protocol = Protocol::icmp;
    CHECK_FALSE(meets("port: set:more", s, sets));
    CHECK_FALSE(meets("not: {port: set:more}", s, sets));
}

TEST_CASE("a set of domains") {
    Situation s;
    CHECK(meets("domain: set:ours", s, sets));
    CHECK_FALSE(meets("not: {domain: set:all}", s, sets));
    s.names = {"example.org"};
    CHECK(meets("domain: set:all", s, sets));
    s.names = {"a.net"};
    CHECK(meets("domain: set:all", s, sets));
    CHECK_FALSE(meets("domain: set:ours", s, sets));
    for (const char* other : {"b.a.net", "badexample.org", "org", "example.org.evil.net"}) {
        s.names = {other};
        CHECK_FALSE(meets("domain: set:all", s, sets));
        CHECK(meets("not: {domain: set:all}", s, sets));
    }
    s.names.clear();
    CHECK_FALSE(meets("domain: set:all", s, sets));
    CHECK_FALSE(meets("not: {domain: set:all}", s, sets));
}

TEST_CASE("a set of domains with names below only does not have the name itself") {
    const std::string below = "sets: {x: {domains: '*.example.org'}}\n";
    const std::string itself = "sets: {x: {domains: example.org}}\n";
    Situation s;
    CHECK(meets("domain: set:x", s, below));
    CHECK_FALSE(meets("domain: set:x", s, itself));
    s.names = {"example.org"};
    CHECK_FALSE(meets("domain: set:x", s, below));
    CHECK(meets("domain: set:x", s, itself));
}

TEST_CASE("a set of digests") {
    Situation s;
    CHECK(meets("sha256: set:good", s, sets));
    CHECK(meets("sha256: [set:good, " + other_digest + "]", s, sets));
    s.content->sha256 = parse_sha256_hex(other_digest);
    CHECK_FALSE(meets("sha256: set:good", s, sets));
    CHECK(meets("not: {sha256: set:good}", s, sets));
    s.content->sha256.reset();
    CHECK_FALSE(meets("sha256: set:good", s, sets));
    CHECK_FALSE(meets("not: {sha256: set:good}", s, sets));
}

TEST_CASE("a set of one file stands in rules and sets of another, before it or after it") {
    Situation s;
    const std::string rule = "rules: [{name: r, to: set:far, action: accept}]\n";
    const std::string near = "sets: {near: {addresses: 203.0.113.7}}\n";
    const std::string far = "sets: {far: {addresses: set:near}}\n";
    for (const auto& files : {std::vector{rule, near, far}, {far, near, rule}, {near, rule, far}}) {
        CHECK(winner(*compiled(files), s) == "r");
        Situation elsewhere;
        elsewhere.remote = "203.0.113.8";
        CHECK(winner(*compiled(files), elsewhere) == "-");
    }
}

TEST_CASE("a set that is not there is named, with the one that was meant") {
    const auto error = [](const std::string& value, const std::string& name) {
        return refusal_of({"rules:\n  - name: r\n    to: [10.0.0.1, \"" + value + "\"]\n"
                           "    action: drop\nsets: {" + name + ": {addresses: 10.0.0.2}}\n"});
    };
    CHECK(error("set:offices", "offices") == "accepted");
    CHECK_THAT(error("set:offcies", "offices"),
               StartsWith("a.yaml:3:20: there is no set \"offcies\"") &&
                   EndsWith("(did you mean set:offices?)"));
    CHECK_THAT(error("set:xyz", "offices"), EndsWith("(define it under sets, or correct the name)"));
    for (const char* wrong : {"set:", "set:Offices", "set:a b", "set:set:offices", "set:7"})
        CHECK_THAT(error(wrong, "offices"), StartsWith("a.yaml:3:20: rule \"r\": to: "));
    CHECK_THAT(refusal_of({"sets:\n  a:\n    ports: [22, set:b]\n"}),
               StartsWith("a.yaml:3:17: there is no set \"b\""));
}

TEST_CASE("a set of another kind is refused") {
    CHECK_THAT(refusal_of({"rules:\n  - name: r\n    port: set:offices\n    action: drop\n" + sets}),
               StartsWith("a.yaml:3:11: set \"offices\" has addresses, and ports can stand here"));
    CHECK_THAT(refusal_of({"sets:\n  a: {ports: 80}\n  b: {domains: [x.org, set:a]}\n"}),
               StartsWith("a.yaml:3:24: set \"a\" has ports, and domains can stand here"));
    // Conditions that know no sets take "set:…" for a value like any other.
    CHECK_THAT(refusal_of({"rules:\n  - name: r\n    app: set:a\n    action: drop\n"}),
               StartsWith("a.yaml:3:10: rule \"r\": app: "));
}

TEST_CASE("sets that contain themselves are refused, not followed for ever") {
    CHECK_THAT(refusal_of({"sets:\n  a:\n    addresses: [10.0.0.1, set:a]\n"}),
               StartsWith("a.yaml:3:27: set \"a\" contains itself") && Contains("circle"));
    CHECK_THAT(refusal_of({"sets:\n  a: {ports: set:b}\n  b: {ports: set:c}\n"
                           "  c: {ports: [1, set:a]}\n"}),
               Contains("contains itself"));
    // Twice the same set is no circle.
    CHECK(refusal_of({"sets:\n  a: {ports: 1}\n  b: {ports: [set:a, set:a]}\n"
                      "  c: {ports: [set:b, set:a]}\n"}) == "accepted");
}

TEST_CASE("a name stands for one set, over all files") {
    CHECK_THAT(refusal_of({"sets:\n  a: {ports: 1}\n", "rules: []\nsets:\n  a: {ports: 1}\n"}),
               StartsWith("b.yaml:3:7: set \"a\" is defined already, in a.yaml:2:7"));
    CHECK_THAT(refusal_of({"sets:\n  a: {ports: 1}\n  a: {ports: 2}\n"}),
               StartsWith("a.yaml:3:3: ") && Contains("\"a\" is given twice"));
    CHECK_THAT(refusal_of({"profiles:\n  a: {interface: x}\n", "profiles:\n  a: {interface: x}\n"}),
               StartsWith("b.yaml:2:7: profile \"a\" is defined already, in a.yaml:2:7"));
    // A set and a profile may share theirs.
    CHECK(refusal_of({"sets: {a: {ports: 1}}\nprofiles: {a: {interface: x}}\n"}) == "accepted");
}

TEST_CASE("what a set must be") {
    const auto error = [](const std::string& text) { return refusal_of({"sets:" + text + "\n"}); };
    CHECK(error("") == "accepted");
    CHECK(error(" {}") == "accepted");
    CHECK_THAT(error(" [a]"), StartsWith("a.yaml:1:7: sets: this is no map"));
    CHECK_THAT(error("\n  a:"), StartsWith("a.yaml:2:3: ") && Contains("a: found nothing"));
    CHECK_THAT(error("\n  a: [1]"), StartsWith("a.yaml:2:6: "));
    CHECK_THAT(error("\n  a: {}"), Contains("values of one kind"));
    CHECK_THAT(error("\n  a: {ports: 1, domains: x.org}"), Contains("values of one kind"));
    CHECK_THAT(error("\n  a: {port: 1}"), StartsWith("a.yaml:2:7: ") && Contains("unknown key \"port\"") &&
                                              Contains("mean \"ports\""));
    CHECK_THAT(error("\n  a: {ports: []}"), StartsWith("a.yaml:2:14: ") && Contains("empty"));
    CHECK_THAT(error("\n  a: {ports: }"), StartsWith("a.yaml:2:7: set \"a\": ports: "));
    CHECK_THAT(error("\n  a: {ports: [80, 70000]}"), StartsWith("a.yaml:2:19: set \"a\": ports: "));
    CHECK_THAT(error("\n  a: {addresses: 10.0.0.1/8}"), Contains("write 10.0.0.0/8"));
    CHECK_THAT(error("\n  a: {domains: 10.0.0.1}"), StartsWith("a.yaml:2:16: set \"a\": domains: "));
    CHECK_THAT(error("\n  a: {sha256: abc}"), Contains("SHA-256"));
    for (const char* name : {"A", "7", "a b", "\"\"", "-a", "a.b"})
        CHECK_THAT(error("\n  " + std::string(name) + ": {ports: 1}"), StartsWith("a.yaml:2:"));
    for (const char* word : {"loopback", "multicast", "private", "lan", "dns", "self"})
        CHECK_THAT(error("\n  " + std::string(word) + ": {ports: 1}"),
                   Contains("meaning of its own") && Contains("choose another name"));
    CHECK_THAT(error("\n  [a]: {ports: 1}"), StartsWith("a.yaml:2:"));
}

TEST_CASE("values of a list come from the environment, once for each place that names it") {
    Environment environment = small_environment();
    std::vector<std::pair<std::string, SetKind>> asked;
    environment.read_list = [&](const std::string& path, SetKind kind)
        -> Result<std::shared_ptr<const ListedValues>> {
        asked.emplace_back(path, kind);
        if (path != "/lists/ports") return fail("the list is torn", "mend it", {path, 7, 0});
        auto values = std::make_shared<ListedValues>();
        values->ports = {{443, 443}};
        return values;
    };
    const std::string rule = "rules: [{name: r, port: set:p, action: accept}]\n";
    const auto rules =
        compiled({rule + "sets: {p: {ports: [22, \"file:/lists/ports\"]}}\n"}, environment);
    CHECK(asked == std::vector<std::pair<std::string, SetKind>>{{"/lists/ports", SetKind::ports}});
    Situation s;
    CHECK(winner(*rules, s) == "r");
    s.remote_port = 22;
    CHECK(winner(*rules, s) == "r");
    s.remote_port = 80;
    CHECK(winner(*rules, s) == "-");
    const auto torn =
        refusal_of({rule + "sets:\n  p:\n    ports: [22, \"file:/lists/torn\"]\n"}, environment);
    CHECK_THAT(torn, StartsWith("a.yaml:4:17: ") && Contains("/lists/torn:7:") &&
                         Contains("the list is torn") &&
                         Contains("mend it"));
    // Even of a set that no rule uses.
    CHECK(refusal_of({"sets: {p: {ports: \"file:/lists/torn\"}}"}, environment) != "accepted");
    CHECK_THAT(refusal_of({"sets: {p: {ports: \"file:/lists/ports\"}}"}),
               Contains("lists can't be read here"));
    for (const char* wrong : {"file:", "file:lists/ports", "file:/lists/*", "file:/lists/",
                              "file:/lists/../x", "file:unknown"})
        CHECK_THAT(refusal_of({"sets: {p: {ports: \"" + std::string(wrong) + "\"}}"}, environment),
                   StartsWith("a.yaml:1:19: set \"p\": ports: ") && Contains("does not name a file"));
    // In a rule it is no value.
    CHECK_THAT(refusal_of({"rules: [{name: r, port: \"file:/lists/ports\", action: drop}]"},
                          environment),
               StartsWith("a.yaml:1:25: rule \"r\": port: "));
}
