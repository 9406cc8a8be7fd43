// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "fwd/rule_cache.hpp"
#include "fwd/rule_cache.hpp"
#include "fwd/rule_files.hpp"
#include "lacks_root.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

std::string rule(const std::string& name) {
    return "rules:\n- name: " + name + "\n  action: drop\n";
}

std::string error_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().text();
}

}  // namespace

TEST_CASE("files are read in byte order of their names, others are left alone") {
    TempFolder folder;
    for (const std::string name : {"b", "a", "10-x", "9-y", "B"})
        folder.write(name + ".yaml", rule(name));
    folder.write(".hidden.yaml", "not: [yaml");
    folder.write("README", "not: [yaml");
    folder.write("c.yaml.bak", "not: [yaml");
    std::filesystem::create_directory(folder / "sub");
    const auto files = read_rule_files(folder.path(), Trust::anybody);
    REQUIRE(files);
    const auto packs = RuleCache().parse(*files);
    REQUIRE(packs);
    std::vector<std::string> names;
    for (const auto& pack : *packs)
        for (const Rule& each : pack->rules()) names.push_back(each.name);
    CHECK(names == std::vector<std::string>{"10-x", "9-y", "B", "a", "b"});
    CHECK(packs->front()->rule(0).place.file == folder / "10-x.yaml");
}

TEST_CASE("an empty folder has no rules; a missing one is an error with a remedy") {
    TempFolder folder;
    CHECK(read_rule_files(folder.path(), Trust::anybody)->empty());
    CHECK_THAT(error_of(read_rule_files(folder / "none", Trust::anybody)),
               Catch::Contains("none") && Catch::Contains("mkdir"));
}

TEST_CASE("errors in files have file, line and column") {
    TempFolder folder;
    folder.write("x.yaml", "rules:\n  - name: a\n    action: maybe\n");
    const auto files = read_rule_files(folder.path(), Trust::anybody);
    REQUIRE(files);
    CHECK_THAT(error_of(RuleCache().parse(*files)), Catch::StartsWith(folder / "x.yaml:3:13: "));
}

TEST_CASE("only files that changed are parsed again") {
    TempFolder folder;
    RuleCache cache;
    const auto load = [&] {
        const auto files = read_rule_files(folder.path(), Trust::anybody);
        REQUIRE(files);
        return cache.parse(*files);
    };
    folder.write("a.yaml", rule("a"));
    folder.write("b.yaml", rule("b"));
    const auto first = load();
    REQUIRE(first);
    CHECK(cache.parsed() == 2);
    const auto same = load();
    CHECK(cache.parsed() == 2);
    CHECK(*same == *first);  // the very same packs
    folder.write("b.yaml", rule("c"));  // of the same length
    const auto changed = load();
    CHECK(cache.parsed() == 3);
    CHECK(changed->at(0) == first->at(0));
    CHECK(changed->at(1)->rule(0).name == "c");
    // The same text in another file has other places.
    folder.write("d.yaml", rule("a"));
    CHECK(load()->at(2)->rule(0).place.file == folder / "d.yaml");
    // An error does not make the cache forget, nor keep, anything wrong.
    folder.write("b.yaml", "rules: 7\n");
    CHECK_FALSE(load());
    CHECK_FALSE(load());
    folder.write("b.yaml", rule("c"));
    CHECK(load()->at(1)->rule(0).name == "c");
    // Nor does a file that is gone for a while.
    std::filesystem::remove(folder / "b.yaml");
    CHECK(load()->size() == 2);
    folder.write("b.yaml", rule("e"));
    CHECK(load()->at(1)->rule(0).name == "e");
}

TEST_CASE("links, folders and FIFOs are no rule files") {
    TempFolder folder;
    folder.write("real", rule("a"));
    SECTION("link") {
        std::filesystem::create_symlink(folder / "real", folder / "x.yaml");
        CHECK_THAT(error_of(read_rule_files(folder.path(), Trust::anybody)),
                   Catch::Contains("x.yaml is a symbolic link"));
    }
    SECTION("folder") {
        std::filesystem::create_directory(folder / "x.yaml");
        CHECK_THAT(error_of(read_rule_files(folder.path(), Trust::anybody)),
                   Catch::Contains("no regular file"));
    }
    SECTION("FIFO: not waited for") {
        REQUIRE(::mkfifo((folder / "x.yaml").c_str(), 0600) == 0);
        CHECK_THAT(error_of(read_rule_files(folder.path(), Trust::anybody)),
                   Catch::Contains("no regular file"));
    }
}

TEST_CASE("each bound is kept, and one step below it passes") {
    TempFolder folder;
    folder.write("a.yaml", rule("a"));
    folder.write("b.yaml", rule("b"));
    const std::size_t size = rule("a").size();
    const auto read = [&](RuleFileLimits limits) {
        return read_rule_files(folder.path(), Trust::anybody, limits).has_value();
    };
    CHECK(read({.files = 2}));
    CHECK_FALSE(read({.files = 1}));
    CHECK(read({.file_bytes = size}));
    CHECK_FALSE(read({.file_bytes = size - 1}));
    CHECK(read({.total_bytes = 2 * size}));
    CHECK_FALSE(read({.total_bytes = 2 * size - 1}));
}

TEST_CASE("rules in force must be root's alone") {
    if (lacks_root("to give files away")) return;
    TempFolder folder;
    folder.write("a.yaml", rule("a"));
    const std::string file = folder / "a.yaml";
    const auto error = [&] { return error_of(read_rule_files(folder.path(), Trust::root)); };
    REQUIRE(read_rule_files(folder.path(), Trust::root));
    SECTION("file of another user") {
        REQUIRE(::chown(file.c_str(), 65534, 0) == 0);
        CHECK_THAT(error(),
                   Catch::Contains("belongs to uid 65534") && Catch::Contains("chown root"));
    }
    SECTION("file that everybody may write") {
        REQUIRE(::chmod(file.c_str(), 0646) == 0);
        CHECK_THAT(error(),
                   Catch::Contains("written by everybody") && Catch::Contains("chmod o-w"));
    }
    SECTION("file that another group may write") {
        REQUIRE((::chown(file.c_str(), 0, 65534) == 0 && ::chmod(file.c_str(), 0664) == 0));
        CHECK_THAT(error(), Catch::Contains("written by group 65534"));
    }
    SECTION("folder that everybody may write") {
        REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
        CHECK_THAT(error(), Catch::Contains(folder.path() + " can be written"));
    }
    SECTION("root's own group may write") {
        REQUIRE(::chmod(file.c_str(), 0664) == 0);
        CHECK(read_rule_files(folder.path(), Trust::root));
    }
}

TEST_CASE("the system knows its users and the real paths of files") {
    const Environment environment = system_environment();
    CHECK(environment.user_id("root") == 0u);
    CHECK_FALSE(environment.user_id("no-such-user-anywhere"));
    TempFolder folder;
    folder.write("real", "");
    std::filesystem::create_symlink("real", folder / "link");
    CHECK(environment.resolve_path(folder / "link") == folder / "real");
    CHECK(environment.resolve_path(folder / "none") == folder / "none");
}
