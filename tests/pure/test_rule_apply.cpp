// SPDX-License-Identifier: GPL-2.0-or-later
// Another folder's rules in place of the rule folder's.
#include <map>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "fwd/rule_store.hpp"
#include "temp_folder.hpp"

using namespace doorward;
using Kind = ControlFailure::Kind;

namespace {

struct Fixture {
    Fixture() {
        folder.write("10-old.yaml", "rules: [{name: old, action: drop}]\n");
        folder.write("20-both.yaml", "rules: [{name: both, action: drop}]\n");
        folder.write("README", "no rules\n");
        other.write("20-both.yaml", "rules: [{name: both, action: accept}]\n");
        other.write("30-new.yaml", "rules: [{name: new, action: accept}]\n");
    }
    std::map<std::string, std::string> files() const {
        std::map<std::string, std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
            all[entry.path().filename()] = folder.read(entry.path().filename());
        return all;
    }
    Error refused(const std::string& path, Kind kind) const {
        const auto candidate = store.read_candidate(path);
        REQUIRE_FALSE(candidate);
        CHECK(candidate.error().kind == kind);
        return candidate.error().error;
    }

    TempFolder folder, other, state;
    RuleStore store{folder.path(), Defaults{}, system_environment(), Trust::anybody, {}, state.path()};
};

Rule session() {
    Rule rule;
    rule.name = "keep-session";
    rule.action = Action::accept;
    rule.add(Condition::port, {"22"});
    return rule;
}

}  // namespace

TEST_CASE("a candidate takes the place of all rule files, and of nothing else") {
    Fixture fixture;
    const auto before = fixture.files();
    REQUIRE(::chmod((fixture.folder / "20-both.yaml").c_str(), 0600) == 0);
    const auto candidate = fixture.store.read_candidate(fixture.other.path());
    REQUIRE(candidate);
    CHECK(candidate->ruleset->size() == 2);
    CHECK(candidate->ruleset->place(0).file == fixture.other / "20-both.yaml");
    CHECK(fixture.store.files_changed_by(*candidate) == 3);
    CHECK(fixture.files() == before);
    // What was read counts, not what is there now.
    fixture.other.write("30-new.yaml", "rules: [broken");
    const auto applied = fixture.store.apply(*candidate);
    REQUIRE(applied);
    CHECK(applied->files == 3);
    CHECK(applied->ruleset->place(0).file == fixture.folder / "20-both.yaml");
    CHECK(applied->ruleset->name(1) == "new");
    const auto after = fixture.files();
    CHECK(after.size() == 3);
    CHECK(after.at("README") == "no rules\n");
    CHECK(after.at("30-new.yaml") == "rules: [{name: new, action: accept}]\n");
    struct stat info{};
    REQUIRE(::stat((fixture.folder / "20-both.yaml").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(fixture.store.files_changed_by(*candidate) == 0);

    const auto undone = fixture.store.undo();
    REQUIRE(undone);
    CHECK(undone->undone.what == "folder " + fixture.other.path() + " applied");
    CHECK(fixture.files() == before);
    REQUIRE(fixture.store.undo());
    CHECK(fixture.files() == after);
}

TEST_CASE("a rule folder that is broken can be replaced, and the former state is kept") {
    Fixture fixture;
    fixture.folder.write("10-old.yaml", "rules: [broken");
    const auto before = fixture.files();
    const auto candidate = fixture.store.read_candidate(fixture.other.path());
    REQUIRE(candidate);
    REQUIRE(fixture.store.apply(*candidate));
    CHECK((*fixture.store.load())->size() == 2);
    // It would not load.
    CHECK(fixture.store.undo().error().kind == Kind::reload_failed);
    CHECK((*fixture.store.load())->size() == 2);
    CHECK(fixture.files() != before);
}

TEST_CASE("what can't be applied is told from what must not be") {
    Fixture fixture;
    const auto before = fixture.files();
    CHECK_THAT(fixture.refused(fixture.folder.path(), Kind::invalid_rule).text(),
               Catch::Contains("is the rule folder itself"));
    CHECK_THAT(fixture.refused(fixture.folder / ".", Kind::invalid_rule).text(),
               Catch::Contains("is the rule folder itself"));
    fixture.refused("relative", Kind::invalid_rule);
    fixture.refused(fixture.other / "nowhere", Kind::candidate_refused);
    fixture.refused(fixture.other / "30-new.yaml", Kind::candidate_refused);
    CHECK_THAT(fixture.refused(fixture.state.path(), Kind::candidate_refused).text(),
               Catch::Contains("has no rule files"));
    fixture.other.write("30-new.yaml", "rules:\n  - name: x\n    colour: red\n");
    CHECK_THAT(fixture.refused(fixture.other.path(), Kind::candidate_refused).text(),
               Catch::Contains(fixture.other / "30-new.yaml" + ":3:5"));
    fixture.other.write("30-new.yaml", "rules: [{name: both, action: drop}]\n");
    CHECK_THAT(fixture.refused(fixture.other.path(), Kind::candidate_refused).text(),
               Catch::Contains("\"both\" is taken"));
    CHECK(fixture.files() == before);
}

TEST_CASE("temporary rules stay, and one that keeps the session is put before them") {
    Fixture fixture;
    Rule mine = session();
    mine.name = "mine";
    REQUIRE(fixture.store.add(mine, true, {Lifetime::Until::restart}));
    auto candidate = fixture.store.read_candidate(fixture.other.path());
    REQUIRE(candidate);
    CHECK(candidate->ruleset->name(0) == "mine");
    CHECK(*fixture.store.keep_session(session(), *candidate) == "keep-session");
    CHECK(candidate->ruleset->name(0) == "keep-session");
    CHECK(candidate->ruleset->size() == 4);
    CHECK(*fixture.store.keep_session(session(), *candidate) == "keep-session-2");
    const auto applied = fixture.store.apply(*candidate, "keep-session");
    REQUIRE(applied);
    CHECK(applied->ruleset->name(0) == "keep-session-2");
    CHECK_FALSE(applied->ruleset->find("keep-session"));

    // Taken by a file of the candidate.
    fixture.other.write("30-new.yaml", "rules: [{name: mine, action: drop}]\n");
    CHECK_THAT(fixture.refused(fixture.other.path(), Kind::candidate_refused).text(),
               Catch::Contains("taken by a temporary rule"));
}

TEST_CASE("where what keeps the session has no room, nothing is changed") {
    Fixture fixture;
    Rule rule = session();
    for (std::size_t i = 0; i < TemporaryRules::most; ++i) {
        rule.name = "t" + std::to_string(i);
        REQUIRE(fixture.store.add(rule, false, {Lifetime::Until::restart}));
    }
    auto candidate = fixture.store.read_candidate(fixture.other.path());
    REQUIRE(candidate);
    const auto kept = fixture.store.keep_session(session(), *candidate);
    REQUIRE_FALSE(kept);
    CHECK(fixture.store.temporary().size() == TemporaryRules::most);
    CHECK(candidate->ruleset->size() == TemporaryRules::most + 2);
}

TEST_CASE("the note of a trial is taken once") {
    Fixture fixture;
    RuleFolder& folder = fixture.store.folder();
    CHECK(folder.take_trial_note() == "");
    REQUIRE(folder.note_trial("/etc/doorward/new"));
    CHECK(folder.take_trial_note() == "/etc/doorward/new");
    CHECK(folder.take_trial_note() == "");
}
