// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <climits>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "fwd/real_paths.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

std::string by_the_library(const std::string& path) {
    char resolved[PATH_MAX];
    return ::realpath(path.c_str(), resolved) ? resolved : path;
}

// Folders, files, links to both, over several steps, to nothing, and in a circle.
void fill(const TempFolder& folder) {
    std::filesystem::create_directories(folder / "a/b");
    folder.write("a/b/file", "");
    folder.write("a/tool", "");
    std::filesystem::create_symlink("b", folder / "a/to-b");
    std::filesystem::create_symlink("../a/to-b/file", folder / "a/far");
    std::filesystem::create_symlink(folder / "a", folder / "whole");
    std::filesystem::create_symlink("nowhere", folder / "a/dangling");
    std::filesystem::create_symlink("circle", folder / "a/circle");
    std::filesystem::create_symlink("/", folder / "root");
}

}  // namespace

TEST_CASE("many paths are resolved as the library resolves each") {
    TempFolder folder;
    fill(folder);
    RealPaths paths;
    std::mt19937 random(11);
    constexpr const char* parts[] = {"a", "b", "to-b", "file", "tool", "far", "whole", "dangling", "circle",
                                     "root", "usr", "none", "..", ".", ""};
    int moved = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string path = random() % 8 ? folder.path() : "";
        for (auto left = random() % 5; left > 0; --left)
            path += std::string("/") + parts[random() % std::size(parts)];
        INFO(path);
        const std::string real = by_the_library(path);
        if (paths.of(path) != real) REQUIRE(paths.of(path) == real);
        if (RealPaths().of(path) != real) REQUIRE(RealPaths().of(path) == real);
        moved += real != path;
    }
    CHECK(moved > 1000);
    CHECK(paths.of("no/absolute/path") == "no/absolute/path");
    CHECK(paths.of("/" + std::string(5000, 'x')).size() == 5001);
}

TEST_CASE("what was seen of a folder is for one load; the next sees what is there then") {
    TempFolder folder;
    fill(folder);
    RealPaths before;
    CHECK(before.of(folder / "whole/tool") == folder / "a/tool");
    std::filesystem::remove(folder / "whole");
    std::filesystem::create_symlink(folder / "a/b", folder / "whole");
    RealPaths after;
    CHECK(after.of(folder / "whole/file") == folder / "a/b/file");
    CHECK(after.of(folder / "whole/tool") == folder / "whole/tool");
}

TEST_CASE("more folders than are remembered change nothing") {
    TempFolder folder;
    fill(folder);
    RealPaths paths;
    for (std::size_t i = 0; i < RealPaths::most_folders + 10; ++i)
        REQUIRE(paths.of("/nowhere/" + std::to_string(i) + "/x") == "/nowhere/" + std::to_string(i) + "/x");
    CHECK(paths.of(folder / "whole/to-b/file") == folder / "a/b/file");
}

TEST_CASE("a folder that was asked for often is listed, with the same answers") {
    TempFolder folder;
    fill(folder);
    RealPaths paths;
    for (std::size_t i = 0; i < 2 * RealPaths::list_after; ++i) {
        const std::string none = folder / "a/none-" + std::to_string(i);
        REQUIRE(paths.of(none) == none);
        REQUIRE(paths.of(folder / "whole/far") == folder / "a/b/file");
        REQUIRE(paths.of(folder / "a/tool") == folder / "a/tool");
        REQUIRE(paths.of(folder / "a/dangling") == folder / "a/dangling");
        REQUIRE(paths.of(folder / "a/to-b/file") == folder / "a/b/file");
    }
    folder.write("a/new", "");
    CHECK(RealPaths().of(folder / "whole/new") == folder / "a/new");
}
