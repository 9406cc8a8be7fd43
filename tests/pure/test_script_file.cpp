// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "fwd/script_file.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

constexpr std::uint32_t ours = 7;

// Names that were just made are in the kernel's cache.
struct Tree {
    TempFolder folder;
    ScriptFiles files{folder.path(), ours};

    Tree() {
        for (const char* name : {"/opt", "/opt/app", "/bin", "/open"})
            std::filesystem::create_directory(folder.path() + name);
        for (const char* name : {"/opt/app/run.py", "/open/run.py"})
            std::ofstream(folder.path() + name) << "pass\n";
        std::filesystem::permissions(folder.path() + "/open", std::filesystem::perms(0777));
    }
    void link(const char* name, const char* target) const {
        REQUIRE(::symlink(target, (folder.path() + name).c_str()) == 0);
    }
    std::string of(const char* path) const { return files.find(path, ours).path; }
};

}  // namespace

TEST_CASE("a script's path is resolved through links that are root's") {
    if (::geteuid() != 0) return;  // the folders of others are never trusted
    const Tree tree;
    tree.link("/bin/run", "/opt/app/run.py");
    tree.link("/bin/near", "../opt/./app/run.py");
    tree.link("/bin/twice", "near");
    tree.link("/current", "opt/app");
    CHECK(tree.of("/opt/app/run.py") == "/opt/app/run.py");
    CHECK(tree.of("/bin/run") == "/opt/app/run.py");
    CHECK(tree.of("/bin/near") == "/opt/app/run.py");
    CHECK(tree.of("/bin/twice") == "/opt/app/run.py");
    CHECK(tree.of("/current/run.py") == "/opt/app/run.py");
    CHECK(tree.files.find("/bin/run", ours + 1).path == "/bin/run");  // another tree
}

TEST_CASE("the file that is at a script's path now") {
    const Tree tree;
    tree.link("/open/evil", "/opt/app/run.py");
    struct stat status{};
    REQUIRE(::stat((tree.folder.path() + "/opt/app/run.py").c_str(), &status) == 0);
    const ScriptFile file = tree.files.find("/opt/app/run.py", ours);
    CHECK(file.inode == status.st_ino);
    CHECK(file.device == status.st_dev);
    // Where it can't be told, there is none: another tree, no file, a link that is not followed.
    CHECK(tree.files.find("/opt/app/run.py", ours + 1).inode == 0);
    CHECK(tree.files.find("/opt/app/none.py", ours).inode == 0);
    CHECK(tree.files.find("/open/evil", ours).inode == 0);
    CHECK(tree.files.find("/", ours).inode == 0);
    CHECK(tree.files.find("module:a", ours).inode == 0);
}

TEST_CASE("links that somebody else could have put, and paths that lead nowhere, stay") {
    const Tree tree;
    tree.link("/open/evil", "/opt/app/run.py");
    tree.link("/bin/through", "/open/evil");
    tree.link("/bin/loop", "loop");
    tree.link("/bin/nowhere", "/opt/none");
    CHECK(tree.of("/open/run.py") == "/open/run.py");
    CHECK(tree.of("/open/evil") == "/open/evil");
    CHECK(tree.of("/bin/through") == "/bin/through");
    CHECK(tree.of("/bin/loop") == "/bin/loop");
    CHECK(tree.of("/bin/nowhere") == "/bin/nowhere");
    CHECK(tree.of("/none/run.py") == "/none/run.py");
    CHECK(tree.of("module:http.server") == "module:http.server");
    CHECK(tree.of("") == "");
    CHECK(tree.of("/") == "/");
    CHECK(ScriptFiles("/no/such/folder", ours).find("/bin/run", ours).path == "/bin/run");
}
