// SPDX-License-Identifier: GPL-2.0-or-later
// Rules packed and unpacked, written out and read again: nothing is lost on the way.
#include <map>

#include <catch2/catch.hpp>

#include "rule_trial.hpp"
#include "rule_values.hpp"

using namespace doorward;

namespace {

// For each condition two values as people write them; the second is left out where only one can be.
const std::map<std::string_view, std::pair<std::string, std::string>>& examples() {
    static const std::map<std::string_view, std::pair<std::string, std::string>> all{
        {"app", {"/opt/My App, really: #1/**", "unknown:no-binding"}},
        {"user", {"DOM\\alice", "1000"}},
        {"group", {"users", "null"}},
        {"unit", {"user:app-*.scope", "a\\x2db.service"}},
        {"slice", {"user-1000.slice", "user:app.slice"}},
        {"container", {"user:flatpak:org.example.App", "docker:*"}},
        {"parent", {"/usr/bin/make", "/opt/[!a-z]/x"}},
        {"script", {"/opt/run.py", "module:http.*"}},
        {"injected", {"preload", "any"}},
        {"package", {"g++", "python3*"}},
        {"verity", {"sha512:" + std::string(128, 'F'), "sha256:" + std::string(64, '0')}},
        {"sha256", {std::string(64, 'A'), "set:good"}},
        {"direction", {"forward", ""}},
        {"protocol", {"tcp", "47"}},
        {"to", {"2001:DB8::/32", "lan"}},
        {"from", {"set:offices", "0.0.0.0/0"}},
        {"port", {"8000-8080", "set:web"}},
        {"domain", {"*.Example.org", "set:ads"}},
        {"interface", {"wl*", "enp0s31f6"}},
        {"profile", {"null", "true"}},
        {"when", {"sat-mon 22:00-06:00", "00:00-24:00"}},
    };
    return all;
}

std::vector<std::string> canonical_values(const ConditionInfo& info, bool two) {
    const auto& [first, second] = examples().at(info.key);
    std::vector<std::string> values{info.canonical(first).value()};
    if (two && !second.empty()) values.push_back(info.canonical(second).value());
    return values;
}

void check_round_trip(const Rule& rule) {
    const auto text = format_rule(rule);
    INFO(text);
    const auto again = parse_rules("rules:\n" + text, "t.yaml");
    INFO((again ? std::string() : again.error().text()));
    REQUIRE(again);
    REQUIRE(again->size() == 1);
    CHECK(same_rule(again->front(), rule));
    CHECK(format_rule(again->front()) == text);
}

bool same_values(const Term& a, const Term& b) {
    const auto same = [](const Value& x, const Value& y) {
        return x.text == y.text && x.line == y.line && x.column == y.column;
    };
    return a.condition == b.condition && a.negated == b.negated && a.inherited == b.inherited &&
           std::ranges::equal(a.values, b.values, same);
}

constexpr std::string_view file = R"(# all there is
sets:
  offices: {addresses: [203.0.113.0/24, lan, "set:more"]}
  more:
    addresses: [2001:db8::/32, "file:/lists/more"]
  web: {ports: [443, 8000-8080]}
profiles:
  office: {gateway: [192.0.2.1, "2001:db8::1"], gateway_mac: AB:cd:ef:01:23:45,
           interface: ["eth*", br0], domain: office.example}
rules:
  - app: [/usr/bin/curl, unknown]
    not: {to: lan}
    expires: 2030-01-01T00:00:00Z
    tags: [one, two]
    rules:
      - name: a
        port: [443, set:web]
        to: set:offices
        not: {port: 22, user: [alice, 7]}
        comment: 'why: "so"'
        action: accept
      - {name: b, enabled: false, log: journal, action: reject}
  - name: c
    when: [mon-fri 08:00-17:30]
    profile: office
    expires: 1970-01-01T00:00:00Z
    action: drop
)";

}  // namespace

TEST_CASE("every condition has an example here") {
    CHECK(examples().size() == conditions().size());
    for (const ConditionInfo& info : conditions()) CHECK(examples().contains(info.key));
}

TEST_CASE("canonical values are their own canonical form") {
    for (const ConditionInfo& info : conditions())
        for (const auto& text : canonical_values(info, true)) {
            INFO(info.key << ": " << text);
            CHECK(info.canonical(text) == text);
        }
}

TEST_CASE("a rule with any one condition, negated or not, reads back as it was written") {
    for (const ConditionInfo& info : conditions())
        for (const bool negated : {false, true})
            for (const bool two : {false, true}) {
                INFO(info.key << (negated ? " negated" : ""));
                Rule rule;
                rule.name = "r";
                rule.add(info.condition, canonical_values(info, two), negated);
                // Alone it would be refused.
                if (info.condition == Condition::script && !negated)
                    rule.add(Condition::app, {"/usr/bin/python3"});
                check_round_trip(rule);
            }
}

TEST_CASE("a rule with every key reads back as it was written") {
    Rule rule;
    rule.name = "false";
    for (const ConditionInfo& info : conditions()) {
        rule.add(info.condition, canonical_values(info, true));
        rule.add(info.condition, canonical_values(info, true), true);
    }
    rule.action = Action::reject;
    rule.log = LogLevel::journal;
    rule.enabled = false;
    rule.expires = 0;
    rule.tags = {"office", "b-2"};
    rule.comment = "say \"no\" \\ to: # everything, é 'x' {a} [b] - ";
    check_round_trip(rule);
}

TEST_CASE("tags that YAML takes for something else read back as they were written") {
    for (const char* tag : {"null", "true", "false", "yes", "no", "n", "on", "e1", "nan"}) {
        INFO(tag);
        Rule rule;
        rule.name = "r";
        rule.tags = {tag};
        check_round_trip(rule);
        rule.tags = {"a", tag, "b"};
        check_round_trip(rule);
    }
}

TEST_CASE("the words of negated conditions are in a map of their own, at the end of the conditions") {
    Rule rule;
    rule.name = "r";
    rule.add(Condition::user, {"root"}, true).add(Condition::port, {"80", "443"}, true);
    rule.add(Condition::app, {"/usr/bin/curl"}).add(Condition::to, {"lan"});
    rule.tags = {"office"};
    CHECK(format_rule(rule) == "- name: r\n  app: /usr/bin/curl\n  to: lan\n  not:\n    user: root\n"
                               "    port: [80, 443]\n  action: drop\n  tags: office\n");
}

TEST_CASE("what is added to a pack comes out of it") {
    Rule first;
    first.name = "a";
    first.place = {"t.yaml", 7, 5};
    first.comment = "first";
    first.tags = {"x", "y"};
    first.expires = -5;
    first.add(Condition::app, {"/a", "/b"}).add(Condition::app, {"/c"}, true);
    first.terms.front().values[1] = {"/b", 8, 20};
    first.terms.front().inherited = true;
    Rule second;
    second.name = "b";
    second.place = {"t.yaml", 9, 5};
    second.action = Action::accept;
    second.log = LogLevel::journal;
    second.enabled = false;
    second.expires = 0;  // not the same as none
    Rule third;
    third.name = "c";
    RulePackBuilder builder("t.yaml");
    const std::vector<Rule> rules{first, second, third};
    for (const Rule& rule : rules) builder.add(rule);
    builder.set_first_item({"t.yaml", 7, 5});
    const auto pack = builder.finish();
    CHECK(pack->file() == "t.yaml");
    CHECK(pack->size() == 3);
    CHECK(pack->first_item() == Place{"t.yaml", 7, 5});
    CHECK(same_rules(pack->rules(), rules));
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const Rule rule = pack->rule(i);
        CHECK(std::ranges::equal(rule.terms, rules[i].terms, same_values));
        CHECK(rule.expires == rules[i].expires);
    }
    CHECK(pack->rule(0).place == first.place);
    CHECK(pack->rule(1).place == second.place);
    CHECK_FALSE(pack->rule(2).expires);
}

TEST_CASE("a pack of nothing") {
    const auto pack = RulePackBuilder("t.yaml").finish();
    CHECK(pack->size() == 0);
    CHECK(pack->rules().empty());
    CHECK(pack->sets().empty());
    CHECK(parse_rule_pack("", "t.yaml").value()->size() == 0);
}

TEST_CASE("the same text is kept once, however often it is used") {
    RulePackBuilder builder("t.yaml");
    for (int i = 0; i < 1000; ++i) {
        Rule rule;
        rule.name = "rule-" + std::to_string(i);
        rule.add(Condition::app, {"/usr/bin/curl"}).add(Condition::port, {"443"});
        builder.add(rule);
    }
    const auto pack = builder.finish();
    CHECK(pack->texts() <= 1000 + 3);  // and perhaps the empty one
    CHECK(pack->memory() < 1000 * 250);
    CHECK(pack->rule(999).name == "rule-999");
    CHECK(values_of(pack->rule(999), Condition::port) == Texts{"443"});
}

TEST_CASE("a file, packed and unpacked, with its places") {
    const auto pack = parse_rule_pack(file, "t.yaml");
    INFO((pack ? std::string() : pack.error().text()));
    REQUIRE(pack);
    const auto rules = (*pack)->rules();
    REQUIRE(rules.size() == 3);
    CHECK((*pack)->first_item() == Place{"t.yaml", 11, 5});
    CHECK(rules[0].place == Place{"t.yaml", 16, 9});
    CHECK(place_of(rules[0], Condition::port, 1) == Place{"t.yaml", 17, 21});
    CHECK(values_of(rules[0], Condition::port) == Texts{"443", "set:web"});
    CHECK(values_of(rules[0], Condition::user, true) == Texts{"alice", "7"});
    CHECK_FALSE(rules[0].has(Condition::app));  // not its own
    CHECK(rules[1].place == Place{"t.yaml", 22, 10});
    CHECK(rules[2].expires == 0);
    REQUIRE((*pack)->sets().size() == 3);
    const SetDefinition& offices = (*pack)->sets()[0];
    CHECK(offices.name == "offices");
    CHECK(offices.kind == SetKind::addresses);
    REQUIRE(offices.values.size() == 3);
    CHECK(offices.values[2].text == "set:more");
    CHECK(offices.values[2].line == 3);
    CHECK((*pack)->sets()[1].values[1].text == "file:/lists/more");
    REQUIRE((*pack)->profiles().size() == 1);
    const ProfileDefinition& office = (*pack)->profiles()[0];
    CHECK(office.gateways == Texts{"192.0.2.1", "2001:db8::1"});
    CHECK(office.gateway_macs == Texts{"ab:cd:ef:01:23:45"});
    CHECK(office.interfaces == Texts{"eth*", "br0"});
    CHECK(office.domains == Texts{"office.example"});
    // Twice the same.
    RulePackBuilder builder("t.yaml");
    for (const Rule& rule : rules) builder.add(rule);
    CHECK(same_rules(builder.finish()->rules(), rules));
}

TEST_CASE("positions in a ruleset lead to the rules of each file") {
    const auto rules = compiled({"rules: [{name: a, action: drop}, {name: b, action: accept}]", "",
                                 "rules: [{name: c, log: journal, action: reject}]"});
    REQUIRE(rules->size() == 3);
    const std::vector<std::string> names{"a", "b", "c"};
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK(rules->name(i) == names[i]);
        CHECK(rules->rule(i).name == names[i]);
        CHECK(rules->find(names[i]) == i);
    }
    CHECK_FALSE(rules->find("d"));
    CHECK(rules->place(2).file == "c.yaml");
    CHECK(rules->place(1) == Place{"a.yaml", 1, 35});
    CHECK(rules->action(2) == Action::reject);
    CHECK(rules->log(2) == LogLevel::journal);
    CHECK(rules->log(1) == LogLevel::audit);
}
