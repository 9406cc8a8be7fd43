// SPDX-License-Identifier: GPL-2.0-or-later
// Host names, and rules about them.
#include <catch2/catch.hpp>

#include "fwd/explain.hpp"
#include "oracle.hpp"
#include "rules/condition_text.hpp"
#include "rules/domain_name.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

namespace {

std::shared_ptr<const Ruleset> compile(const std::string& yaml) {
    return Ruleset::compile(parse_rules(yaml, "t.yaml").value(), {}, oracle::test_environment())
        .value();
}

Flow named(std::span<const std::string_view> names) {
    static const Process process = [] {
        Process made;
        made.exe = "/usr/bin/curl";
        return made;
    }();
    Flow flow;
    flow.protocol = Protocol::tcp;
    flow.remote = Address::parse("203.0.113.7").value();
    flow.remote_port = 443;
    flow.process = &process;
    flow.names = names;
    return flow;
}

bool matches(const std::string& domain, std::string_view name) {
    const std::string_view names[] = {name};
    const auto rules = compile("rules: [{name: a, domain: \"" + domain + "\", action: accept}]");
    return rules->decide(named(names), 0).rule != Decision::no_rule;
}

}  // namespace

TEST_CASE("host names are made normal, or refused") {
    CHECK(normal_host_name("WWW.Example.ORG.") == "www.example.org");
    CHECK(normal_host_name("_8443._https.a-b.example") == "_8443._https.a-b.example");
    CHECK(normal_host_name("printer") == "printer");
    CHECK(normal_host_name(std::string(63, 'a')));
    const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                std::string(63, 'c') + "." + std::string(61, 'd');
    CHECK(normal_host_name(longest));
    for (const std::string& text :
         {std::string(), std::string("."), std::string("a..b"), std::string(".a"),
          std::string("a.."), std::string("*.a"), std::string("a b"), std::string("b\xc3\xbc.de"),
          std::string(64, 'a'), longest + "d", std::string("a\0b", 3), std::string("a/b"),
          std::string("a:80")})
        CHECK_FALSE(normal_host_name(text));
}

TEST_CASE("a domain in a rule is a name, or *. and a name") {
    CHECK(parse_domain("Example.org") == "example.org");
    CHECK(parse_domain("*.Example.org") == "*.example.org");
    CHECK(parse_domain("*.internal"));
    const auto remedy = [](const char* text) {
        const auto domain = parse_domain(text);
        REQUIRE_FALSE(domain);
        return domain.error().text();
    };
    CHECK_THAT(remedy("b\xc3\xbc"
                      "cher.example"),
               Contains("xn--"));
    CHECK_THAT(remedy("203.0.113.7"), Contains("under to"));
    CHECK_THAT(remedy("2001:db8::/32"), Contains("under to"));
    CHECK_THAT(remedy("*"), Contains("leave domain out"));
    CHECK_THAT(remedy("*."), Contains("leave domain out"));
    CHECK_THAT(remedy("www.*.org"), Contains("in front"));
    CHECK_THAT(remedy("*example.org"), Contains("in front"));
    CHECK_THAT(remedy("**.example.org"), Contains("in front"));
    CHECK_THAT(remedy("example.org."), Contains("last dot"));
    CHECK_THAT(remedy("https://example.org/"), Contains("without scheme"));
    CHECK_THAT(remedy(""), Contains("no host name"));
}

TEST_CASE("a name matches itself, a wildcard what is below") {
    CHECK(matches("example.org", "example.org"));
    CHECK(matches("*.example.org", "www.example.org"));
    CHECK(matches("*.example.org", "a.b.example.org"));
    CHECK(matches("*.org", "example.org"));
    for (const char* other : {"www.example.org", "badexample.org", "example.org.evil.net", "org",
                              "example.orgs", "xample.org"})
        CHECK_FALSE(matches("example.org", other));
    for (const char* other : {"example.org", "badexample.org", "www.badexample.org",
                              "www.example.org.evil.net", "org"})
        CHECK_FALSE(matches("*.example.org", other));
}

TEST_CASE("a flow without a name, and one that comes in, meet no domain") {
    const auto rules = compile("rules: [{name: a, domain: '*.org', action: accept}]");
    CHECK(rules->decide(named({}), 0).rule == Decision::no_rule);
    const std::string_view names[] = {"other.net", "example.org"};
    CHECK(rules->decide(named(names), 0).rule != Decision::no_rule);  // any of its names
    Flow in = named(names);
    in.direction = Direction::in;
    CHECK(rules->decide(in, 0).rule == Decision::no_rule);
    CHECK(rules->explain(in, 0).back().failed == Condition::domain);
}

TEST_CASE("a decision depends on names only where a rule about them came first") {
    const std::string_view names[] = {"example.org"};
    const std::string by_name = "{name: a, domain: example.net, action: accept}";
    const std::string by_port = "{name: b, port: 443, action: drop}";
    const auto depends = [&](const std::string& rules, Direction direction) {
        Flow flow = named(names);
        flow.direction = direction;
        flow.local_port = 443;
        return compile("rules: [" + rules + "]")->decide(flow, 0).depends_on.has(Input::domain);
    };
    CHECK(depends(by_name, Direction::out));
    CHECK(depends(by_name + ", " + by_port, Direction::out));
    CHECK_FALSE(depends(by_port + ", " + by_name, Direction::out));
    CHECK_FALSE(depends(by_name + ", " + by_port, Direction::in));
}

TEST_CASE("more names than the index walks at a time change nothing") {
    std::string text = "rules:\n";
    std::vector<std::string> storage;
    for (int i = 0; i < 100; ++i) {
        storage.push_back("h" + std::to_string(i) + ".example.org");
        text += "- {name: r" + std::to_string(i) + ", domain: " + storage.back() +
                ", port: 80, action: drop}\n";
    }
    const auto rules = compile(text + "- {name: last, domain: h99.example.org, action: accept}\n");
    const std::vector<std::string_view> names(storage.begin(), storage.end());
    REQUIRE(rules->decide(named(names), 0).rule != Decision::no_rule);
    CHECK(rules->name(rules->decide(named(names), 0).rule) == "last");
}

TEST_CASE("explain takes a name") {
    const auto rules = compile("rules: [{name: a, domain: '*.example.org', action: accept}]");
    const auto ask = [&](std::optional<std::string> domain) {
        return explain_question(*rules, {.app = "/bin/x", .domain = std::move(domain)},
                                oracle::test_environment(), 0, [](auto&, auto) { return nullptr; });
    };
    CHECK(ask("WWW.example.org.")->rule == "a");
    CHECK_FALSE(ask("example.org")->rule);
    CHECK_FALSE(ask(std::nullopt)->rule);
    CHECK(ask(std::nullopt)->trials.at(0).failed == "domain");
    CHECK_FALSE(ask("not a name"));
}
