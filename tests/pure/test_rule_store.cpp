// SPDX-License-Identifier: GPL-2.0-or-later
#include <map>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "fwd/rule_store.hpp"
#include "rules/yaml_rules.hpp"
#include "temp_folder.hpp"

using namespace doorward;
using Kind = ControlFailure::Kind;

namespace {

const std::string web = "# what the web needs\n"
                        "rules:\n"
                        "  - name: web   # both ports\n"
                        "    port: [80, 443]\n"
                        "    protocol: tcp\n"
                        "    action: accept\n"
                        "\n"
                        "  - name: dns\n"
                        "    port: 53\n"
                        "    action: accept\n";

Rule rule_of(const std::string& text) {
    auto rules = parse_rules("rules:\n" + text, "test");
    REQUIRE(rules);
    return rules->front();
}

const Rule& curl_rule() {
    static const Rule rule = rule_of("- {name: deny-curl, app: /usr/bin/curl, action: reject}\n");
    return rule;
}

struct Fixture {
    Fixture() { folder.write("10-web.yaml", web); }

    std::vector<std::string> names() {
        const auto ruleset = store.load();
        REQUIRE(ruleset);
        std::vector<std::string> names;
        for (std::uint32_t at = 0; at < (*ruleset)->size(); ++at)
            names.emplace_back((*ruleset)->name(at));
        return names;
    }
    // Everything in the folder, with the texts.
    std::map<std::string, std::string> contents() const {
        std::map<std::string, std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
            all[entry.path().filename()] = folder.read(entry.path().filename());
        return all;
    }

    TempFolder folder;
    RuleStore store{folder.path(), Defaults{}, system_environment(), Trust::anybody};
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a rule is added before all others, in a file of its own") {
    Fixture fixture;
    const auto added = fixture.store.add(curl_rule(), true);
    REQUIRE(added);
    CHECK(added->change.name == "deny-curl");
    CHECK(added->change.file == fixture.folder / "00-command.yaml");
    CHECK(added->change.position == 1);
    CHECK(added->change.rules == 3);
    CHECK(added->ruleset->name(0) == "deny-curl");
    CHECK(fixture.names() == Names{"deny-curl", "web", "dns"});
    CHECK(fixture.folder.read("10-web.yaml") == web);
    Rule second = curl_rule();
    second.name = "newer";
    CHECK(fixture.store.add(second, true)->change.position == 1);
    CHECK(fixture.names() == Names{"newer", "deny-curl", "web", "dns"});
    CHECK(fixture.contents().size() == 2);
}

TEST_CASE("a rule is added behind all others") {
    Fixture fixture;
    for (const char* name : {"one", "two", "three"}) {
        Rule rule = curl_rule();
        rule.name = name;
        const auto added = fixture.store.add(rule, false);
        REQUIRE(added);
        CHECK(added->change.file == fixture.folder / "zz-command.yaml");
        CHECK(added->change.position == added->change.rules);
    }
    CHECK(fixture.names() == Names{"web", "dns", "one", "two", "three"});
}

TEST_CASE("a rule is appended to a file that was edited by hand, if that is safe") {
    Fixture fixture;
    fixture.folder.write("zz-command.yaml", "rules:\n- name: mine\n  action: drop  # mine");
    REQUIRE(fixture.store.add(curl_rule(), false));
    CHECK(fixture.names() == Names{"web", "dns", "mine", "deny-curl"});
    CHECK_THAT(fixture.folder.read("zz-command.yaml"), Catch::Contains("# mine\n"));

    const std::string flow = "rules: [{name: flow, action: drop}]\n";
    fixture.folder.write("zz-command.yaml", flow);
    const auto refused = fixture.store.add(curl_rule(), false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Kind::failed);
    CHECK(fixture.folder.read("zz-command.yaml") == flow);
}

TEST_CASE("a rule is removed from the file it is in; the rest of the file stays") {
    Fixture fixture;
    const auto removed = fixture.store.remove("dns");
    REQUIRE(removed);
    CHECK(removed->change.position == 2);
    CHECK(removed->change.rules == 1);
    CHECK(removed->change.file == fixture.folder / "10-web.yaml");
    CHECK(fixture.names() == Names{"web"});
    CHECK_THAT(fixture.folder.read("10-web.yaml"), Catch::Contains("# both ports"));
}

TEST_CASE("a rule is disabled and enabled where it stands") {
    Fixture fixture;
    const auto disabled = fixture.store.set_enabled("dns", false);
    REQUIRE(disabled);
    CHECK(disabled->change.position == 2);
    CHECK_FALSE(disabled->ruleset->rule(1).enabled);
    CHECK_FALSE((*fixture.store.load())->rule(1).enabled);
    REQUIRE(fixture.store.set_enabled("dns", true));
    CHECK((*fixture.store.load())->rule(1).enabled);
}

TEST_CASE("what can't be done leaves the disk as it was") {
    Fixture fixture;
    REQUIRE(fixture.store.add(curl_rule(), true));
    const auto before = fixture.contents();
    const auto kind = [](const auto& result) {
        REQUIRE_FALSE(result);
        CHECK(result.error().error.what != "");
        return result.error().kind;
    };
    CHECK(kind(fixture.store.remove("nobody")) == Kind::rule_not_found);
    CHECK(kind(fixture.store.set_enabled("nobody", true)) == Kind::rule_not_found);
    CHECK(kind(fixture.store.add(curl_rule(), true)) == Kind::rule_exists);
    Rule taken = curl_rule();
    taken.name = "dns";  // in another file
    CHECK(kind(fixture.store.add(taken, true)) == Kind::rule_exists);
    Rule senseless = curl_rule();
    senseless.name = "ports-of-icmp";
    senseless.add(Condition::protocol, {"icmp"}).add(Condition::port, {"443"});
    CHECK(kind(fixture.store.add(senseless, true)) == Kind::invalid_rule);
    Rule nobody = curl_rule();
    nobody.name = "nobody";
    nobody.add(Condition::user, {"no-such-user-anywhere"});
    CHECK(kind(fixture.store.add(nobody, true)) == Kind::invalid_rule);
    CHECK(fixture.contents() == before);
}

TEST_CASE("a folder that does not compile is not changed by command") {
    Fixture fixture;
    fixture.folder.write("50-broken.yaml", "rules:\n  - name: x\n    colour: red\n");
    const auto before = fixture.contents();
    const auto added = fixture.store.add(curl_rule(), true);
    REQUIRE_FALSE(added);
    CHECK(added.error().kind == Kind::reload_failed);
    CHECK_THAT(added.error().error.text(), Catch::Contains("50-broken.yaml:3:5"));
    CHECK(fixture.contents() == before);
    CHECK_FALSE(fixture.store.load());
}

TEST_CASE("a change keeps the mode of the file and leaves nothing else behind") {
    Fixture fixture;
    REQUIRE(::chmod((fixture.folder / "10-web.yaml").c_str(), 0640) == 0);
    REQUIRE(fixture.store.remove("web"));
    struct stat info{};
    REQUIRE(::stat((fixture.folder / "10-web.yaml").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0640);
    CHECK(fixture.contents().size() == 1);
}

TEST_CASE("the only rule of the folder can be removed and another added") {
    TempFolder folder;
    RuleStore store(folder.path(), Defaults{}, system_environment(), Trust::anybody);
    CHECK((*store.load())->size() == 0);
    REQUIRE(store.add(curl_rule(), true));
    REQUIRE(store.remove("deny-curl"));
    CHECK((*store.load())->size() == 0);
    const auto again = store.add(curl_rule(), true);
    REQUIRE(again);
    CHECK(again->change.rules == 1);
}

namespace {

const Lifetime until_restart{Lifetime::Until::restart};

Rule named(const std::string& name) {
    Rule rule = curl_rule();
    rule.name = name;
    return rule;
}

}  // namespace

TEST_CASE("temporary rules stand before and behind all files, and never on disk") {
    Fixture fixture;
    fixture.folder.write("!-first.yaml", "rules: [{name: first-file, action: drop}]\n");
    fixture.folder.write("~-last.yaml", "rules: [{name: last-file, action: drop}]\n");
    const auto before = fixture.contents();
    const auto added = fixture.store.add(named("a"), true, until_restart);
    REQUIRE(added);
    CHECK(added->change.file == "(until restart)");
    CHECK(added->change.position == 1);
    CHECK(added->ruleset->place(0) == Place{"(until restart)", 0, 0});
    REQUIRE(fixture.store.add(named("b"), true, {Lifetime::Until::exit, 123}));
    REQUIRE(fixture.store.add(named("c"), false, until_restart));
    const auto last = fixture.store.add(named("d"), false, {Lifetime::Until::exit, 123});
    REQUIRE(last);
    CHECK(last->change.file == "(until PID 123 ends)");
    CHECK(last->change.position == 8);
    CHECK(fixture.names() ==
          Names{"b", "a", "first-file", "web", "dns", "last-file", "c", "d"});
    CHECK(fixture.contents() == before);
    // Another daemon on the same folder, as after a restart.
    RuleStore restarted(fixture.folder.path(), Defaults{}, system_environment(), Trust::anybody);
    CHECK((*restarted.load())->size() == 4);
}

TEST_CASE("temporary rules are removed, disabled and enabled like all others") {
    Fixture fixture;
    REQUIRE(fixture.store.add(named("a"), true, until_restart));
    REQUIRE(fixture.store.add(named("z"), false, until_restart));
    const auto disabled = fixture.store.set_enabled("z", false);
    REQUIRE(disabled);
    CHECK(disabled->change.position == 4);
    CHECK_FALSE(disabled->ruleset->rule(3).enabled);
    CHECK_FALSE((*fixture.store.load())->rule(3).enabled);
    REQUIRE(fixture.store.set_enabled("z", true));
    CHECK((*fixture.store.load())->rule(3).enabled);
    // Where the rules of files are counts the temporary ones before them.
    CHECK(fixture.store.remove("web")->change.position == 2);
    const auto removed = fixture.store.remove("z");
    REQUIRE(removed);
    CHECK(removed->change.position == 3);
    CHECK(removed->change.file == "(until restart)");
    CHECK(fixture.names() == Names{"a", "dns"});
    CHECK(fixture.store.remove("z").error().kind == Kind::rule_not_found);
}

TEST_CASE("a name is taken once, whether by a file or by a temporary rule") {
    Fixture fixture;
    CHECK(fixture.store.add(named("web"), true, until_restart).error().kind == Kind::rule_exists);
    REQUIRE(fixture.store.add(named("a"), true, until_restart));
    for (const Lifetime& lifetime : {until_restart, Lifetime{}}) {
        const auto again = fixture.store.add(named("a"), false, lifetime);
        REQUIRE_FALSE(again);
        CHECK(again.error().kind == Kind::rule_exists);
        CHECK_THAT(again.error().error.text(), Catch::StartsWith("(until restart): "));
    }
    // By hand, afterwards.
    fixture.folder.write("20-hand.yaml", "rules:\n  - name: a\n    action: drop\n");
    const auto loaded = fixture.store.load();
    REQUIRE_FALSE(loaded);
    CHECK_THAT(loaded.error().text(), Catch::Contains("20-hand.yaml:2:5") &&
                                          Catch::Contains("taken by a temporary rule"));
}

TEST_CASE("what is no rule is no temporary one, and there are only so many") {
    Fixture fixture;
    Rule senseless = named("ports-of-icmp");
    senseless.add(Condition::protocol, {"icmp"}).add(Condition::port, {"443"});
    CHECK(fixture.store.add(senseless, true, until_restart).error().kind == Kind::invalid_rule);
    Rule nobody = named("nobody");
    nobody.add(Condition::user, {"no-such-user-anywhere"});
    const auto refused = fixture.store.add(nobody, true, until_restart);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Kind::invalid_rule);
    CHECK(refused.error().error.place == Place{});
    CHECK(fixture.store.temporary().size() == 0);
    for (std::size_t i = 0; i < TemporaryRules::most; ++i)
        REQUIRE(fixture.store.add(named("t" + std::to_string(i)), true, until_restart));
    const auto one_more = fixture.store.add(named("more"), true, until_restart);
    REQUIRE_FALSE(one_more);
    CHECK_THAT(one_more.error().error.text(), Catch::Contains("256 temporary rules"));
    CHECK(fixture.store.temporary().size() == TemporaryRules::most);
    CHECK(fixture.names().size() == TemporaryRules::most + 2);
    REQUIRE(fixture.store.remove("t7"));
    CHECK(fixture.store.add(named("more"), true, until_restart));
}

TEST_CASE("a forgotten rule leaves those in force, whatever became of the files") {
    Fixture fixture;
    REQUIRE(fixture.store.add(named("kept"), true, until_restart));
    const auto both = fixture.store.add(named("ended"), true, {Lifetime::Until::exit, 123});
    REQUIRE(both);
    CHECK(*fixture.store.without_forgotten(*both->ruleset) == nullptr);
    fixture.folder.write("10-web.yaml", "rules: [broken");
    CHECK(fixture.store.forget("ended"));
    CHECK_FALSE(fixture.store.forget("ended"));
    const auto left = fixture.store.without_forgotten(*both->ruleset);
    REQUIRE(left);
    REQUIRE(*left);
    CHECK((*left)->size() == 3);
    CHECK((*left)->name(0) == "kept");
    CHECK_FALSE((*left)->find("ended"));
    CHECK(*fixture.store.without_forgotten(**left) == nullptr);
    CHECK_FALSE(fixture.store.load());
    fixture.folder.write("10-web.yaml", web);
    CHECK(fixture.names() == Names{"kept", "web", "dns"});
}
