// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "rule_trial.hpp"
#include "rules/import_ufw.hpp"

using namespace doorward;

namespace {

Imported imported(const std::string& rules, const std::string& rules_v6 = "", const std::string& profiles = "") {
    UfwFiles files;
    if (!rules.empty()) files.rules.push_back({"user.rules", rules});
    if (!rules_v6.empty()) files.rules_v6.push_back({"user6.rules", rules_v6});
    if (!profiles.empty()) files.profiles.push_back({"web", profiles});
    return import_ufw(files);
}

std::string written(const Imported& from) {
    const auto text = write_imported(from, "out.yaml");
    INFO((text ? std::string() : text.error().text()));
    REQUIRE(text);
    return *text;
}

// The keys of the rules, without names; or why there is none.
std::string carried(const std::string& tuple, bool v6 = false) {
    const std::string line = "*filter\n### tuple ### " + tuple + "\n-A ufw-user-input -j ACCEPT\n";
    const auto from = v6 ? imported("", line) : imported(line);
    (void)written(from);
    if (from.rules.empty()) return "left out: " + from.findings.at(0).key;
    const std::string text = format_rule(from.rules.at(0));
    std::string out;
    for (std::size_t start = text.find('\n') + 3; start < text.size();) {
        const auto end = text.find('\n', start);
        out += (out.empty() ? "" : "; ") + text.substr(start, end - start);
        start = end + 3;
    }
    return out;
}

const std::string web = "# c\n[WWW]\ntitle=Web Server\ndescription=Serves\n  pages\nports=80/tcp\n\n"
                        "[WWW Full]\ntitle = Web (both)\ndescription: x\nports = 80,443/tcp|443/udp|8000:8010/tcp\n"
                        "[DNS]\ntitle=d\ndescription=d\nports=53\n";

}  // namespace

TEST_CASE("each tuple of ufw is carried as what it matches") {
    struct Case {
        const char *tuple, *out;
    };
    constexpr Case cases[] = {
        {"allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "direction: in; protocol: tcp; to: 0.0.0.0/0; port: 22; action: accept"},
        {"allow any 22 0.0.0.0/0 any 0.0.0.0/0 in", "direction: in; protocol: [tcp, udp]; to: 0.0.0.0/0; port: 22; action: accept"},
        {"deny any any 0.0.0.0/0 any 203.0.113.7 in", "direction: in; from: 203.0.113.7; action: drop"},
        {"reject tcp 80,443,8000:8010 10.0.0.0/8 any 0.0.0.0/0 out",
         "direction: out; protocol: tcp; to: 10.0.0.0/8; port: [80, 443, 8000-8010]; action: reject"},
        {"allow_log udp 53 0.0.0.0/0 any 10.1.0.0/16 in_eth0",
         "direction: in; protocol: udp; from: 10.1.0.0/16; port: 53; interface: eth0; action: accept; log: journal"},
        {"allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 out_eth+", "direction: out; protocol: tcp; to: 0.0.0.0/0; port: 80; interface: \"eth*\"; action: accept"},
        {"route:allow any any 10.0.0.0/8 any 0.0.0.0/0 out_eth0", "direction: forward; to: 10.0.0.0/8; interface: eth0; action: accept"},
        {"allow gre any 0.0.0.0/0 any 203.0.113.7 in", "direction: in; protocol: 47; from: 203.0.113.7; action: accept"},
        {"allow tcp 80 0.0.0.0/0 any 0.0.0.0/0", "direction: in; protocol: tcp; to: 0.0.0.0/0; port: 80; action: accept"},
        {"allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 WWW%20Full - in comment=6d79",
         "direction: in; protocol: tcp; to: 0.0.0.0/0; port: 80; action: accept; comment: \"WWW Full: my\""},
        {"allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in comment=41e280ae42", "direction: in; protocol: tcp; to: 0.0.0.0/0; port: 80; action: accept; comment: A?B"}};
    for (const auto& [tuple, out] : cases) {
        INFO(tuple);
        std::string expected = out;
        if (expected.ends_with("A?B")) expected = expected.substr(0, expected.size() - 3) + "\"A?B\"";
        CHECK(carried(tuple) == expected);
    }
    CHECK(carried("allow tcp 22 ::/0 any ::/0 in", true) == "direction: in; protocol: tcp; to: \"::/0\"; port: 22; action: accept");
    CHECK(carried("deny any any ::/0 any 2001:db8::/32 in", true) == "direction: in; from: \"2001:db8::/32\"; action: drop");
}

TEST_CASE("tuples that we can't say are left out, and named") {
    struct Case {
        const char *tuple, *key;
    };
    constexpr Case cases[] = {
        {"limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "limit"}, {"allow tcp any 0.0.0.0/0 1000 0.0.0.0/0 in", "source port"},
        {"route:allow any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0!out_eth1", "interface"},
        {"route:deny any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0", "interface"}, {"allow tcp 22", ""},
        {"allow tcp 0 0.0.0.0/0 any 0.0.0.0/0 in", "port"}, {"allow tcp 90:80 0.0.0.0/0 any 0.0.0.0/0 in", "port"},
        {"allow tcp ssh 0.0.0.0/0 any 0.0.0.0/0 in", "port"}, {"allow gre 22 0.0.0.0/0 any 0.0.0.0/0 in", "protocol"},
        {"allow foo any 0.0.0.0/0 any 0.0.0.0/0 in", "protocol"}, {"allow tcp 22 2001:db8::/32 any 0.0.0.0/0 in", "destination"},
        {"allow tcp 22 0.0.0.0/0 any 10.0.0.1/8 in", "source"}, {"allow tcp 22 0.0.0.0/0 any set:x in", "source"},
        {"allow tcp 22 0.0.0.0/0 any lan in", "source"}, {"pass tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "action"},
        {"allow_all tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "log"}, {"allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 up", "direction"},
        {"allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_a/b", "interface"}};
    for (const auto& [tuple, key] : cases) {
        INFO(tuple);
        CHECK(carried(tuple) == std::string("left out: ") + key);
    }
    CHECK(imported("### tuple ### deny tcp ssh 0.0.0.0/0 any 0.0.0.0/0 in\n").findings.at(0).denies);
    CHECK_FALSE(imported("### tuple ### allow tcp ssh 0.0.0.0/0 any 0.0.0.0/0 in\n").findings.at(0).denies);
    const auto binary = imported(std::string("### tuple ### allow \0 x\n", 24));
    CHECK(binary.findings.at(0).place.line == 1);
    CHECK(binary.rules.empty());
}

TEST_CASE("rules of both families keep their orders, and twins become one") {
    const auto tuple = [](const char* action, const char* port, bool v6) {
        const std::string any = v6 ? "::/0" : "0.0.0.0/0";
        return std::string("### tuple ### ") + action + " tcp " + port + " " + any + " any " + any + " in\n";
    };
    const auto from = imported(tuple("deny", "1", false) + tuple("allow", "2", false) + tuple("allow", "3", false),
                               tuple("allow", "2", true) + tuple("deny", "4", true) + tuple("allow", "3", true));
    std::string order;
    for (const Rule& rule : from.rules) {
        const Term* to = rule.find(Condition::to);
        order += rule.find(Condition::port)->values[0].text + (!to ? "" : to->values[0].text == "::/0" ? "v6" : "v4") + " ";
    }
    CHECK(order == "1v4 2 4v6 3 ");
    CHECK(from.found == 6);
    const auto rules = compiled({written(from)});
    Situation situation;
    situation.direction = Direction::in;
    situation.local_port = 4;
    CHECK(winner(*rules, situation) == "-");
    situation.local = "2001:db8::1";
    situation.remote = "2001:db8::2";
    CHECK(winner(*rules, situation) == "ufw-3");
}

TEST_CASE("a profile is a set of ports, and a rule that opens nothing before it is enabled") {
    const auto from = imported("", "", web);
    CHECK(from.findings.empty());
    const std::string text = written(from);
    CHECK_THAT(text, Catch::Contains("ufw-www-full-tcp:\n    ports: [80, 443, 8000-8010]"));
    auto rules = compiled({text});
    Situation situation;
    situation.direction = Direction::in;
    situation.local_port = 443;
    CHECK(winner(*rules, situation) == "-");
    std::string enabled = text;
    for (auto at = enabled.find("enabled: false"); at != enabled.npos; at = enabled.find("enabled: false"))
        enabled.replace(at, 14, "enabled: true");
    rules = compiled({enabled});
    CHECK(winner(*rules, situation) == "ufw-WWW-Full-tcp");
    situation.protocol = Protocol::udp;
    CHECK(winner(*rules, situation) == "ufw-WWW-Full-udp");
    situation.local_port = 53;
    CHECK(winner(*rules, situation) == "ufw-DNS");
    situation.local_port = 80;
    CHECK(winner(*rules, situation) == "-");
    situation.protocol = Protocol::tcp;
    situation.local_port = 8011;
    CHECK(winner(*rules, situation) == "-");
    situation = {};
    situation.remote_port = 443;  // outbound
    CHECK(winner(*rules, situation) == "-");
}

TEST_CASE("what is wrong with profiles is told with its place") {
    struct Case {
        const char *text, *error;
    };
    constexpr Case cases[] = {
        {"title=x\n", "web:1:1: there is no [section]"}, {"[a\n", "web:1:1: a section has no name"}, {"[]\n", "web:1:1: a section"},
        {"[DEFAULT]\n", "web:1:1: a section DEFAULT"}, {"[a]\n[a]\n", "web:2:1: a second section"}, {"[a]\nx\n", "web:2:1: this is neither"},
        {"[a]\nx=1\nX=2\n", "web:3:1: a second x"}, {"[a]\ntitle=\xff\n", "web:2:7: a byte that is not UTF-8"},
        {"[a]\ntitle=t\ndescription=d\n", "web:1:1: profile \"a\": there is no ports"},
        {"[a]\ntitle=t\ndescription=d\nports=80/foo\n", "web:4:7: profile \"a\": \"foo\" is no protocol"},
        {"[a]\ntitle=t\ndescription=d\nports=80,81\n", "web:4:7: profile \"a\": several ports"},
        {"[a]\ntitle=t\ndescription=d\nports=http/tcp\n", "web:4:7: profile \"a\": \"http\" is no port"},
        {"[a]\ntitle=t\ndescription=d\nports=80/tcp\n 81/tcp\n", "web:4:7: profile \"a\": ports over"},
        {"[all]\ntitle=t\ndescription=d\nports=80/tcp\n", "web:1:1: profile \"all\": this is no name"},
        {"[80]\ntitle=t\ndescription=d\nports=80/tcp\n", "web:1:1: profile \"80\": this is no name"}};
    for (const auto& [text, error] : cases) {
        const auto from = imported("", "", text);
        INFO(error);
        REQUIRE(from.findings.size() == 1);
        CHECK_THAT(finding_text(from.findings[0]), Catch::StartsWith(error));
        CHECK(from.rules.empty());
        (void)written(from);
    }
}
