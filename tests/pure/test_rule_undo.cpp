// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of the rule folder: taken back, and whole also after a crash.
#include <map>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "fwd/rule_store.hpp"
#include "rules/yaml_rules.hpp"
#include "temp_folder.hpp"

using namespace doorward;
using Kind = ControlFailure::Kind;

namespace {

const std::string web = "# what the web needs\nrules:\n  - name: web\n    port: 80\n    action: accept\n";

struct Fixture {
    Fixture() { folder.write("10-web.yaml", web); }

    RuleStore store() const {
        return {folder.path(), Defaults{}, system_environment(), Trust::anybody, {}, state.path()};
    }
    static std::map<std::string, std::string> contents(const TempFolder& of) {
        std::map<std::string, std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(of.path()))
            all[entry.path().filename()] = of.read(entry.path().filename());
        return all;
    }
    std::map<std::string, std::string> files() const { return contents(folder); }

    TempFolder folder;
    TempFolder state;
};

Rule rule(const std::string& name) {
    Rule rule;
    rule.name = name;
    return rule;
}

const Lifetime until_restart{Lifetime::Until::restart};

std::string said(const Controlling<UndoUpdate>& undone) {
    REQUIRE(undone);
    return (undone->undone.again ? "again: " : "back: ") + undone->undone.what;
}

}  // namespace

TEST_CASE("each change by command is taken back, and done again") {
    Fixture fixture;
    RuleStore store = fixture.store();
    const auto before = fixture.files();
    const auto check = [&](const Controlling<RuleUpdate>& changed, const std::string& what) {
        REQUIRE(changed);
        const auto after = fixture.files();
        CHECK(after != before);
        CHECK(said(store.undo()) == "back: " + what);
        CHECK(fixture.files() == before);
        CHECK(said(store.undo()) == "again: " + what);
        CHECK(fixture.files() == after);
        const auto undone = store.undo();
        CHECK(said(undone) == "back: " + what);
        CHECK(undone->ruleset->size() == 1);
        CHECK(undone->undone.rules == 1);
        CHECK(fixture.files() == before);
    };
    check(store.add(rule("a"), true), "rule a added");
    check(store.add(rule("z"), false), "rule z added");
    check(store.remove("web"), "rule web removed");
    check(store.set_enabled("web", false), "rule web disabled");
}

TEST_CASE("only the last change is taken back, by another store too") {
    Fixture fixture;
    {
        RuleStore store = fixture.store();
        REQUIRE(store.add(rule("a"), true));
        REQUIRE(store.add(rule("b"), true));
        // Changes nothing, so it is not the last change.
        REQUIRE(store.set_enabled("a", true));
    }
    RuleStore store = fixture.store();
    CHECK(said(store.undo()) == "back: rule b added");
    CHECK(store.remove("b").error().kind == Kind::rule_not_found);
    REQUIRE((*store.load())->find("a"));
}

TEST_CASE("the mode of a file comes back with it") {
    Fixture fixture;
    RuleStore store = fixture.store();
    REQUIRE(::chmod((fixture.folder / "10-web.yaml").c_str(), 0600) == 0);
    REQUIRE(store.remove("web"));
    REQUIRE(store.undo());
    struct stat info{};
    REQUIRE(::stat((fixture.folder / "10-web.yaml").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("nothing is taken back over changes by hand, or that would not compile") {
    Fixture fixture;
    RuleStore store = fixture.store();
    CHECK(store.undo().error().kind == Kind::nothing_to_undo);
    REQUIRE(store.remove("web"));
    fixture.folder.write("10-web.yaml", "rules: []  # by hand\n");
    const auto before = fixture.files();
    const auto refused = store.undo();
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().error.text(), Catch::Contains("10-web.yaml is not any more"));
    CHECK(fixture.files() == before);

    fixture.folder.write("10-web.yaml", web);
    REQUIRE(store.remove("web"));
    fixture.folder.write("20-hand.yaml", "rules: [{name: web, action: drop}]\n");
    const auto clash = store.undo();
    REQUIRE_FALSE(clash);
    CHECK(clash.error().kind == Kind::reload_failed);
    std::filesystem::remove(fixture.folder / "20-hand.yaml");
    CHECK(said(store.undo()) == "back: rule web removed");
}

TEST_CASE("changes of temporary rules are taken back in memory") {
    Fixture fixture;
    RuleStore store = fixture.store();
    const auto before = fixture.files();
    REQUIRE(store.add(rule("file"), true));
    REQUIRE(store.add(rule("a"), true, until_restart));
    CHECK(said(store.undo()) == "back: rule a added");
    CHECK(store.temporary().size() == 0);
    CHECK(said(store.undo()) == "again: rule a added");
    REQUIRE(store.temporary().find("a"));
    REQUIRE(store.remove("a"));
    CHECK(said(store.undo()) == "back: rule a removed");
    CHECK(store.temporary().find("a"));
    // A change of a file is the last one then.
    REQUIRE(store.remove("file"));
    CHECK(said(store.undo()) == "back: rule file removed");
    // A process that ended is not brought back.
    REQUIRE(store.add(rule("bound"), true, {Lifetime::Until::exit, 123}));
    REQUIRE(store.add(rule("b"), true, until_restart));
    CHECK(store.forget("bound"));
    CHECK(said(store.undo()) == "back: rule b added");
    CHECK_FALSE(store.temporary().find("bound"));
    CHECK(store.forget("a"));
    CHECK(said(store.undo()) == "again: rule b added");
    REQUIRE(store.forget("b"));
    CHECK(said(store.undo()) == "again: rule file removed");
    CHECK_FALSE((*store.load())->find("bound"));
    CHECK(fixture.files().at("10-web.yaml") == before.at("10-web.yaml"));
}

TEST_CASE("a change that was interrupted is taken back") {
    Fixture fixture;
    const auto before = fixture.files();
    RuleFolder folder(fixture.folder.path(), Trust::anybody, fixture.state.path());
    CHECK_FALSE(folder.recover()->has_value());
    const auto path = [&](const std::string& name) { return fixture.folder / name; };
    const std::vector<RuleFile> after{{path("10-web.yaml"), "rules: []\n", 0644, ::geteuid(), ::getegid()},
                                      {path("20-new.yaml"), "rules: []\n", 0644, ::geteuid(), ::getegid()}};
    const auto changes = changes_between(*folder.read(), after);
    // As a crash leaves it, after each of the files.
    for (std::size_t done = 0; done <= changes.size(); ++done) {
        fixture.state.write("rules.pending", encode_step(step_of("all replaced", false, changes)));
        for (std::size_t at = 0; at < done; ++at)
            fixture.folder.write(changes[at].name, changes[at].after->text);
        const auto recovered = folder.recover();
        REQUIRE(recovered);
        CHECK(*recovered == "all replaced");
        CHECK(fixture.files() == before);
        CHECK(Fixture::contents(fixture.state).empty());
    }
    fixture.state.write("rules.pending", "no step");
    const auto damaged = folder.recover();
    REQUIRE_FALSE(damaged);
    CHECK_THAT(damaged.error().text(), Catch::Contains("rules.pending is damaged"));
    CHECK(fixture.files() == before);
}

TEST_CASE("a change that can't be made whole is not made") {
    Fixture fixture;
    RuleFolder folder(fixture.folder.path(), Trust::anybody, fixture.state.path());
    const auto before = fixture.files();
    const RuleFile old = folder.read()->front();
    std::vector<RuleFile> after{old};
    after[0].text = "rules: []\n";
    // A folder is in the second one's place.
    std::filesystem::create_directory(fixture.folder / "20-new.yaml");
    after.push_back({fixture.folder / "20-new.yaml", "rules: []\n", 0644, ::geteuid(), ::getegid()});
    const std::vector<FileChange> changes{{"10-web.yaml", old, after[0]},
                                          {"20-new.yaml", {}, after[1]}};
    CHECK_FALSE(folder.change(changes, "x", false));
    std::filesystem::remove(fixture.folder / "20-new.yaml");
    CHECK(fixture.files() == before);
    CHECK_FALSE(folder.last_step()->has_value());
}
