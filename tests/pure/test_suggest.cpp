// SPDX-License-Identifier: GPL-2.0-or-later
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "audit_fixture.hpp"
#include "rules/ruleset.hpp"
#include "rules/suggest.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

Observed flow_to(const std::string& app, const std::string& name, std::uint16_t port,
                 const std::string& to = "203.0.113.7") {
    Observed flow;
    flow.app = app;
    flow.user = "1000";
    flow.protocol = Protocol::tcp;
    flow.other = address(to.c_str());
    flow.name = name;
    flow.port = port;
    flow.time = 1'800'000'000;
    return flow;
}

std::string yaml(const Suggestions& suggestions) {
    std::string out;
    for (const Proposal& each : suggestions.proposals()) out += format_rule(each.rule);
    return out;
}

std::shared_ptr<const Ruleset> compiled(const Suggestions& suggestions) {
    std::string text = "rules:\n";
    for (const Proposal& each : suggestions.proposals()) text += format_proposal(each);
    auto pack = parse_rule_pack(text, "suggestions");
    INFO(text);
    INFO((pack ? std::string() : pack.error().text()));
    REQUIRE(pack);  // what is proposed can be loaded
    auto rules = Ruleset::compile({*pack}, Defaults{}, {});
    REQUIRE(rules);
    return *rules;
}

bool lets_pass(const Ruleset& rules, const Observed& observed) {
    Process process;
    process.pid = 1;
    process.exe = observed.app;
    process.script = observed.script;
    process.uid = static_cast<std::uint32_t>(std::stoul(observed.user));
    Flow flow;
    flow.direction = observed.direction;
    flow.protocol = observed.protocol;
    flow.remote = observed.other;
    (flow.direction == Direction::in ? flow.local_port : flow.remote_port) = observed.port;
    flow.process = &process;
    const std::string_view name = observed.name;
    if (!name.empty()) flow.names = std::span(&name, 1);
    return rules.decide(flow, {observed.time}).action == Action::accept;
}

}  // namespace

TEST_CASE("one flow is one rule that says all of it") {
    Suggestions suggestions;
    REQUIRE(suggestions.add(flow_to("/usr/bin/curl", "www.example.org", 443)));
    CHECK(yaml(suggestions) == "- name: suggest-curl\n"
                               "  app: /usr/bin/curl\n"
                               "  user: 1000\n"
                               "  direction: out\n"
                               "  protocol: tcp\n"
                               "  port: 443\n"
                               "  domain: www.example.org\n"
                               "  action: accept\n");
    const auto rules = compiled(suggestions);
    CHECK(lets_pass(*rules, flow_to("/usr/bin/curl", "www.example.org", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/curl", "example.org", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/curl", "", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/curl", "www.example.org", 80)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/wget", "www.example.org", 443)));
    Observed other = flow_to("/usr/bin/curl", "www.example.org", 443);
    other.user = "1001";
    CHECK_FALSE(lets_pass(*rules, other));
    other = flow_to("/usr/bin/curl", "www.example.org", 443);
    other.protocol = Protocol::udp;
    CHECK_FALSE(lets_pass(*rules, other));
    other = flow_to("/usr/bin/curl", "www.example.org", 443);
    other.direction = Direction::in;
    CHECK_FALSE(lets_pass(*rules, other));
}

TEST_CASE("what has the same ends is one rule, and only that") {
    Suggestions suggestions;
    suggestions.add(flow_to("/usr/bin/ssh", "", 22, "192.0.2.1"));
    suggestions.add(flow_to("/usr/bin/ssh", "", 22, "192.0.2.2"));
    suggestions.add(flow_to("/usr/bin/mail", "mx.example.org", 25));
    suggestions.add(flow_to("/usr/bin/mail", "mx.example.org", 587));
    suggestions.add(flow_to("/usr/bin/mail", "imap.example.org", 993));
    Observed second = flow_to("/usr/bin/ssh", "", 22, "192.0.2.1");
    second.user = "0";
    suggestions.add(second);
    second.other = address("192.0.2.2");
    suggestions.add(second);
    const auto proposals = suggestions.proposals();
    CHECK(proposals.size() == 3);
    const auto rules = compiled(suggestions);
    CHECK(lets_pass(*rules, flow_to("/usr/bin/mail", "mx.example.org", 587)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/mail", "mx.example.org", 993)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/mail", "imap.example.org", 25)));
    CHECK(lets_pass(*rules, second));
}

TEST_CASE("names that never end become the domain above them, or any") {
    Suggestions cdn;
    for (int i = 0; i < 40; ++i)
        cdn.add(flow_to("/usr/bin/player", "edge" + std::to_string(i) + ".cdn.example.net", 443));
    auto rules = compiled(cdn);
    CHECK(lets_pass(*rules, flow_to("/usr/bin/player", "edge77.cdn.example.net", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/player", "www.example.org", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/player", "edge1.cdn.example.net", 80)));
    CHECK(cdn.proposals()[0].widened.size() == 1);

    Suggestions browser;
    for (int i = 0; i < 40; ++i)
        browser.add(flow_to("/usr/bin/browser", "www.site" + std::to_string(i) + ".example", 443));
    rules = compiled(browser);
    CHECK(lets_pass(*rules, flow_to("/usr/bin/browser", "www.other.example", 443)));
    CHECK(lets_pass(*rules, flow_to("/usr/bin/browser", "", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/browser", "www.other.example", 22)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/wget", "www.other.example", 443)));

    Suggestions country;  // nobody owns co.uk
    for (int i = 0; i < 20; ++i)
        country.add(flow_to("/usr/bin/news", "paper" + std::to_string(i % 10) + ".co.uk", 443));
    rules = compiled(country);
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/news", "other.co.uk", 443)));
}

TEST_CASE("what is visited again and again stays a list, however long the log") {
    Suggestions suggestions;
    for (int i = 0; i < 3000; ++i)
        suggestions.add(flow_to("/usr/bin/poll", "host" + std::to_string(i % 30) + ".example.org", 443));
    const auto rules = compiled(suggestions);
    CHECK(lets_pass(*rules, flow_to("/usr/bin/poll", "host29.example.org", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/poll", "host30.example.org", 443)));
    CHECK(suggestions.proposals()[0].widened.empty());
    CHECK(suggestions.proposals()[0].destinations == 30);
}

TEST_CASE("addresses without a name, ports without an end, and what has no ports") {
    Suggestions suggestions;
    for (int i = 1; i < 60; ++i) {
        suggestions.add(flow_to("/usr/bin/scan", "", 443, "192.0.2." + std::to_string(i)));
        suggestions.add(flow_to("/usr/bin/torrent", "", static_cast<std::uint16_t>(20000 + 31 * i), "192.0.2.1"));
    }
    Observed ping = flow_to("/usr/bin/ping", "", 0);
    ping.protocol = Protocol::icmp;
    suggestions.add(ping);
    const auto rules = compiled(suggestions);
    CHECK(lets_pass(*rules, flow_to("/usr/bin/scan", "", 443, "192.0.2.200")));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/scan", "", 443, "198.51.100.1")));
    CHECK(lets_pass(*rules, flow_to("/usr/bin/torrent", "", 40000, "192.0.2.1")));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/torrent", "", 443, "192.0.2.1")));
    CHECK_FALSE(lets_pass(*rules, flow_to("/usr/bin/torrent", "", 40000, "192.0.2.2")));
    CHECK(lets_pass(*rules, ping));
    ping.other = address("192.0.2.9");
    CHECK_FALSE(lets_pass(*rules, ping));
}

TEST_CASE("inbound flows are proposed by who comes, scripts by their interpreter too") {
    Suggestions suggestions;
    Observed in = flow_to("/usr/sbin/sshd", "", 22, "192.0.2.5");
    in.direction = Direction::in;
    in.user = "0";
    suggestions.add(in);
    Observed script = flow_to("/usr/bin/python3.11", "api.example.org", 443);
    script.script = "/opt/backup/run.py";
    suggestions.add(script);
    const auto rules = compiled(suggestions);
    CHECK(lets_pass(*rules, in));
    in.other = address("192.0.2.6");
    CHECK_FALSE(lets_pass(*rules, in));
    CHECK(lets_pass(*rules, script));
    script.script = "/tmp/x.py";
    CHECK_FALSE(lets_pass(*rules, script));
}

TEST_CASE("programs that no rule can name are left out, and special characters stand for themselves") {
    Suggestions suggestions;
    CHECK_FALSE(suggestions.add(flow_to("", "www.example.org", 443)));
    CHECK_FALSE(suggestions.add(flow_to("/tmp/a\nb", "www.example.org", 443)));
    CHECK(suggestions.left_out() == 2);
    CHECK(suggestions.add(flow_to("/opt/a[1]*", "www.example.org", 443)));
    const auto rules = compiled(suggestions);
    CHECK(lets_pass(*rules, flow_to("/opt/a[1]*", "www.example.org", 443)));
    CHECK_FALSE(lets_pass(*rules, flow_to("/opt/a1x", "www.example.org", 443)));
}

// A month of a desktop: a browser to sites of all ranks, programs that go to the same few, and a few
// that meet new hosts all the time.
TEST_CASE("what is proposed from four fifths of a log covers the rest") {
    std::mt19937 random(GENERATE(1u, 2u, 3u));
    const auto below = [&](unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random); };
    const auto ranked = [&](unsigned n) {  // about Zipf's law
        const double u = std::uniform_real_distribution<>(0, 1)(random);
        return static_cast<unsigned>(std::pow(static_cast<double>(n), u)) - 1;
    };
    const auto one = [&]() -> Observed {
        switch (below(10)) {
            case 0: return flow_to("/usr/lib/apt/methods/http", "deb" + std::to_string(below(3)) + ".example.org", 80);
            case 1: return flow_to("/usr/bin/ssh", "", 22, "192.0.2." + std::to_string(1 + below(5)));
            case 2: return flow_to("/usr/bin/chat", "edge" + std::to_string(below(4000)) + ".chat.example.com", 443);
            case 3: return flow_to("/usr/sbin/timed", "", 123, "203.0.113." + std::to_string(1 + below(4)));
            case 4: return flow_to("/usr/bin/mail", below(2) ? "imap.example.net" : "smtp.example.net", below(2) ? 993 : 587);
            case 5: return flow_to("/usr/bin/once" + std::to_string(ranked(60)), "www.example.org", 443);
            default: {
                const unsigned site = ranked(20000);
                return flow_to("/usr/bin/browser", "www.site" + std::to_string(site) + ".example", 443);
            }
        }
    };
    Suggestions suggestions;
    for (int i = 0; i < 4000; ++i) suggestions.add(one());
    const auto rules = compiled(suggestions);
    int covered = 0;
    for (int i = 0; i < 1000; ++i) covered += lets_pass(*rules, one());
    CHECK(covered >= 950);
    CHECK(suggestions.proposals().size() < 80);
    for (const auto& stranger : {flow_to("/usr/bin/other", "www.example.org", 443),
                                 flow_to("/usr/bin/ssh", "", 22, "198.51.100.1"),
                                 flow_to("/usr/bin/chat", "www.example.org", 443),
                                 flow_to("/usr/bin/browser", "www.site1.example", 22),
                                 flow_to("/usr/sbin/timed", "", 123, "203.0.113.77")})
        CHECK_FALSE(lets_pass(*rules, stranger));
}
