// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/dpkg_files.hpp"
#include "fwd/package_database.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

// A root with a database of three packages; /bin is a link to /usr/bin.
struct Root : TempFolder {
    Root() {
        std::filesystem::create_directories(path() + "/var/lib/dpkg/info");
        std::filesystem::create_directories(path() + "/usr/bin");
        std::filesystem::create_symlink("usr/bin", path() + "/bin");
        list("curl", "/.\n/usr\n/usr/bin\n/usr/bin/curl\n");
        list("coreutils", "/.\n/bin\n/bin/ls\n/usr/bin/env\n");
        list("libc6:amd64", "/.\n/lib\n/lib/ld-linux.so.2\n");
    }
    void list(const std::string& package, const std::string& text) const {
        write("var/lib/dpkg/info/" + package + ".list", text);
    }
};

}  // namespace

TEST_CASE("names of dpkg's lists") {
    CHECK(package_of_list("curl.list") == "curl");
    CHECK(package_of_list("libc6:amd64.list") == "libc6");
    CHECK(package_of_list("libstdc++6:i386.list") == "libstdc++6");
    for (const char* name : {"curl.md5sums", "curl", ".list", "curl.list-new", ""})
        CHECK(package_of_list(name).empty());
}

TEST_CASE("diversions come in threes") {
    CHECK(parse_diversions("").empty());
    CHECK(parse_diversions("/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n") ==
          std::vector<Diversion>{{"/bin/sh", "/bin/sh.distrib", "dash"}, {"/a", "/b", ":"}});
    CHECK(parse_diversions("/bin/sh\n/bin/sh.distrib\n").empty());
    CHECK(parse_diversions("/bin/sh\n/bin/sh.distrib\ndash\n/x").size() == 1);
}

TEST_CASE("a path may be listed under the name from before /usr was merged") {
    using Names = std::vector<ListedAs>;
    CHECK(listed_as("/usr/bin/ls", {"bin"}, {}) ==
          Names{{"/usr/bin/ls", "", ""}, {"/bin/ls", "", ""}});
    CHECK(listed_as("/bin/ls", {"bin"}, {}) ==
          Names{{"/bin/ls", "", ""}, {"/usr/bin/ls", "", ""}});
    CHECK(listed_as("/usr/bin/ls", {}, {}) == Names{{"/usr/bin/ls", "", ""}});
    CHECK(listed_as("/usr/binary", {"bin"}, {}).size() == 1);
    CHECK(listed_as("/opt/bin/ls", {"bin"}, {}).size() == 1);
}

TEST_CASE("the index names candidates, and only for paths it was given") {
    PathIndex index;
    index.add("/usr/bin/b", 2);
    index.add("/usr/bin/a", 1);
    index.add("/usr/bin/a", 7);
    index.seal();
    CHECK(index.find("/usr/bin/a") == std::vector<std::uint32_t>{1, 7});
    CHECK(index.find("/usr/bin/b") == std::vector<std::uint32_t>{2});
    CHECK(index.find("/usr/bin/c").empty());
    CHECK(index.size() == 3);
}

TEST_CASE("owners by dpkg's database") {
    const Root root;
    PackageDatabase packages(root.path());
    CHECK(packages.exists());
    CHECK(packages.owner("/usr/bin/curl") == "curl");
    CHECK(packages.owner("/usr/bin/ls") == "coreutils");  // listed as /bin/ls
    CHECK(packages.owner("/bin/ls") == "coreutils");
    CHECK(packages.owner("/lib/ld-linux.so.2") == "libc6");
    CHECK(packages.owner("/usr/lib/ld-linux.so.2").empty());  // /lib is no link here
    for (const char* path : {"/usr/bin/cur", "/usr/bin/curl2", "/usr/bin/", "", "/", "curl"})
        CHECK(packages.owner(path).empty());
}

TEST_CASE("a diverted file belongs to the one that diverted it, and the others' lies elsewhere") {
    const Root root;
    root.list("tricky", "/usr/bin/curl\n");
    root.write("var/lib/dpkg/diversions", "/usr/bin/curl\n/usr/bin/curl.real\ntricky\n"
                                          "/bin/ls\n/bin/ls.old\n:\n");
    PackageDatabase packages(root.path());
    CHECK(packages.owner("/usr/bin/curl") == "tricky");
    CHECK(packages.owner("/usr/bin/curl.real") == "curl");
    CHECK(packages.owner("/usr/bin/ls").empty());  // the administrator's own
    CHECK(packages.owner("/usr/bin/ls.old") == "coreutils");
}

TEST_CASE("the database is read again when it has changed, and need not be there") {
    const Root root;
    PackageDatabase packages(root.path());
    CHECK(packages.owner("/usr/bin/wget").empty());
    root.list("wget", "/usr/bin/wget\n");
    CHECK(packages.owner("/usr/bin/wget") == "wget");
    std::filesystem::remove_all(root.path() + "/var/lib/dpkg");
    CHECK(packages.owner("/usr/bin/wget").empty());
    CHECK_FALSE(packages.exists());
}
