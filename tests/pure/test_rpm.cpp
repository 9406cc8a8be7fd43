// SPDX-License-Identifier: GPL-2.0-or-later
// Packages by rpm's database: headers, and which package has put a file where.
#include <filesystem>

#include <catch2/catch.hpp>

#include "fwd/package_database.hpp"
#include "fwd/rpm_database.hpp"
#include "fwd/sqlite.hpp"
#include "rules/rpm_header.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

using Bytes = std::vector<std::uint8_t>;

void put(Bytes& to, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(number >> shift));
}

struct Tag {
    std::uint32_t number, type, count;
    Bytes data;
};

Tag strings(std::uint32_t number, const std::vector<std::string>& texts, std::uint32_t type = 8) {
    Tag tag{number, type, static_cast<std::uint32_t>(texts.size()), {}};
    for (const std::string& text : texts) {
        tag.data.insert(tag.data.end(), text.begin(), text.end());
        tag.data.push_back(0);
    }
    return tag;
}

Tag numbers(std::uint32_t number, const std::vector<std::uint32_t>& values) {
    Tag tag{number, 4, static_cast<std::uint32_t>(values.size()), {}};
    for (const std::uint32_t value : values) put(tag.data, value);
    return tag;
}

Bytes header(const std::vector<Tag>& tags) {
    Bytes bytes, data;
    std::uint32_t size = 0;
    for (const Tag& tag : tags) size += static_cast<std::uint32_t>(tag.data.size());
    put(bytes, static_cast<std::uint32_t>(tags.size()));
    put(bytes, size);
    for (const Tag& tag : tags) {
        for (const std::uint32_t part :
             {tag.number, tag.type, static_cast<std::uint32_t>(data.size()), tag.count})
            put(bytes, part);
        data.insert(data.end(), tag.data.begin(), tag.data.end());
    }
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

std::vector<Tag> package(const std::string& name, const std::vector<std::string>& folders,
                         const std::vector<std::pair<std::uint32_t, std::string>>& files) {
    std::vector<std::uint32_t> indexes;
    std::vector<std::string> names;
    for (const auto& [folder, file] : files) indexes.push_back(folder), names.push_back(file);
    return {strings(1000, {name}, 6), numbers(1116, indexes), strings(1117, names), strings(1118, folders)};
}

// A database as rpm makes it, at a place below the root.
class Root {
public:
    explicit Root(const std::string& place = "/usr/lib/sysimage/rpm") : folder_(path() + place) {
        std::filesystem::create_directories(folder_);
        auto made = sqlite::open(file(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0);
        REQUIRE(made);
        database_ = std::move(*made);
        run("PRAGMA journal_mode = WAL");
        run("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)");
        run("CREATE TABLE Basenames (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)");
    }

    void install(const std::vector<Tag>& tags, const std::vector<std::string>& basenames) {
        auto statement = sqlite::Statement::prepare(
            database_.get(), "INSERT INTO Packages (blob) VALUES (?)", "install");
        REQUIRE(statement);
        const Bytes bytes = header(tags);
        statement->blob(1, bytes);
        REQUIRE(statement->step());
        for (std::size_t i = 0; i < basenames.size(); ++i)
            run("INSERT INTO Basenames VALUES ('" + basenames[i] +
                "', (SELECT max(hnum) FROM Packages), " + std::to_string(i) + ")");
    }

    void run(const std::string& sql) { REQUIRE(sqlite::run(database_.get(), sql, "make the database")); }
    void close() { database_.reset(); }
    std::string path() const { return root_.path(); }
    std::string file() const { return folder_ + "/rpmdb.sqlite"; }
    std::string owner(const std::string& of) const { return RpmDatabase(path()).owner({of}); }

    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            names.push_back(entry.path().filename());
        std::ranges::sort(names);
        return names;
    }

private:
    TempFolder root_;
    std::string folder_;
    sqlite::Database database_;
};

}  // namespace

TEST_CASE("a package's header names its files") {
    const Bytes bytes = header(package("curl", {"/usr/bin/", "/etc/"}, {{0, "curl"}, {1, "curlrc"}}));
    const auto parsed = RpmHeader::parse(bytes);
    REQUIRE(parsed);
    CHECK(parsed->name() == "curl");
    CHECK(parsed->files() == 2);
    CHECK(parsed->installed_path(0) == "/usr/bin/curl");
    CHECK(parsed->installed_path(1) == "/etc/curlrc");
    CHECK(parsed->installed_path(2).empty());
    const Bytes none = header({strings(1000, {"metapackage"}, 6)});
    REQUIRE(RpmHeader::parse(none));
    CHECK(RpmHeader::parse(none)->files() == 0);
    CHECK(RpmHeader::parse(none)->installed_path(0).empty());
}

TEST_CASE("what a package has not put there is not its file") {
    auto tags = package("p", {"/o/", "o/", "/o", ""}, {{0, "a"}, {0, "b"}, {0, "c"}, {0, "d"}, {0, "e"},
                                                        {1, "f"}, {2, "g"}, {3, "h"}, {9, "i"},
                                                        {0, "x/y"}, {0, ""}});
    tags.push_back({1029, 1, 11, {0, 1, 2, 0, 3, 0, 0, 0, 0, 0, 0}});
    tags.push_back(numbers(1037, {0, 0, 0, 64 | 1, 0, 0, 0, 0, 0, 0, 0}));
    const Bytes bytes = header(tags);
    const auto parsed = RpmHeader::parse(bytes);
    REQUIRE(parsed);
    CHECK(parsed->installed_path(0) == "/o/a");
    for (std::uint32_t number = 1; number < 12; ++number) CHECK(parsed->installed_path(number).empty());
}

TEST_CASE("headers that contradict themselves") {
    const auto good = package("p", {"/o/"}, {{0, "a"}, {0, "b"}});
    const Bytes whole = header(good);
    REQUIRE(RpmHeader::parse(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(RpmHeader::parse(std::span(whole).first(size)));
    const auto refused = [&](auto change) {
        auto tags = good;
        change(tags);
        const Bytes bytes = header(tags);
        return !RpmHeader::parse(bytes);
    };
    CHECK(refused([](auto& tags) { tags[0].type = 8; }));
    CHECK(refused([](auto& tags) { tags[0].data = {'p'}; tags.resize(1); }));  // no NUL
    CHECK(refused([](auto& tags) { tags[0].data = {0}; }));
    CHECK(refused([](auto& tags) { tags.erase(tags.begin()); }));
    CHECK(refused([](auto& tags) { tags.push_back(tags[0]); }));
    CHECK(refused([](auto& tags) { tags[1].count = 3; }));
    CHECK(refused([](auto& tags) { tags[1].type = 3; }));
    CHECK(refused([](auto& tags) { tags[2].count = 0xffffffff; }));
    CHECK(refused([](auto& tags) { tags.erase(tags.begin() + 1); }));
    CHECK(refused([](auto& tags) { tags.push_back({1029, 1, 1, {0}}); }));
    CHECK(refused([](auto& tags) { tags.push_back({1037, 4, 2, {0, 0, 0}}); }));
    auto far = whole;
    far[8 + 8] = 0xff;  // the offset of the first tag
    CHECK_FALSE(RpmHeader::parse(far));
    auto many = whole;
    many[0] = 0xff;
    CHECK_FALSE(RpmHeader::parse(many));
}

TEST_CASE("owners by rpm's database: the whole path counts, never the basename") {
    for (const char* place : {"/usr/lib/sysimage/rpm", "/var/lib/rpm"}) {
        Root root(place);
        root.install(package("tools", {"/opt/a/", "/usr/bin/"}, {{0, "tool"}, {1, "tool2"}}), {"tool", "tool2"});
        root.install(package("other", {"/opt/b/"}, {{0, "tool"}}), {"tool"});
        // A row that leads to another file of the package, or to none, is no evidence.
        root.run("INSERT INTO Basenames VALUES ('lost', 1, 0), ('tool2', 2, 7), ('tool2', 9, 0), ('x', 2, -1)");
        for (const bool open : {true, false}) {
            if (!open) root.close();
            INFO(place << " " << open);
            CHECK(root.owner("/opt/a/tool") == "tools");
            CHECK(root.owner("/opt/b/tool") == "other");
            CHECK(root.owner("/usr/bin/tool2") == "tools");
            for (const char* path : {"/opt/c/tool", "/tool", "/opt/a/", "/opt/a/tool2", "/opt/a/lost", "/opt/a/x",
                                     "tool", "", "/", "/opt/b/../a/tool", "/opt/a/TOOL", "/opt/a/to%"}) {
                INFO(path);
                CHECK(root.owner(path).empty());
            }
        }
    }
}

TEST_CASE("rpm's database is read without a trace, also while somebody writes") {
    Root root;
    root.install(package("tools", {"/opt/a/"}, {{0, "tool"}}), {"tool"});
    const std::vector<std::string> in_use{"rpmdb.sqlite", "rpmdb.sqlite-shm", "rpmdb.sqlite-wal"};
    CHECK(root.files() == in_use);
    root.run("BEGIN IMMEDIATE");
    root.install(package("new", {"/opt/new/"}, {{0, "tool"}}), {"tool"});
    CHECK(root.owner("/opt/a/tool") == "tools");  // from the log beside the file
    CHECK(root.owner("/opt/new/tool").empty());
    root.run("COMMIT");
    CHECK(root.owner("/opt/new/tool") == "new");
    CHECK(root.files() == in_use);
    root.close();
    CHECK(root.files() == std::vector<std::string>{"rpmdb.sqlite"});
    CHECK(root.owner("/opt/new/tool") == "new");
    CHECK(root.files() == std::vector<std::string>{"rpmdb.sqlite"});
}

TEST_CASE("what is no database, or a damaged one, names nobody") {
    Root root;
    root.install(package("tools", {"/opt/a/"}, {{0, "tool"}}), {"tool"});
    root.run("UPDATE Packages SET blob = x'00000001'");
    CHECK(root.owner("/opt/a/tool").empty());
    root.run("UPDATE Packages SET blob = 'text'");
    CHECK(root.owner("/opt/a/tool").empty());
    root.close();
    std::filesystem::resize_file(root.file(), 5000);
    CHECK(root.owner("/opt/a/tool").empty());
    std::filesystem::resize_file(root.file(), 0);
    CHECK(root.owner("/opt/a/tool").empty());
    std::filesystem::remove(root.file());
    CHECK(root.owner("/opt/a/tool").empty());
    std::filesystem::create_directory(root.file());
    CHECK(root.owner("/opt/a/tool").empty());
}

TEST_CASE("a path by which a package lists a file, and where it really is") {
    Root root;
    root.install(package("bash", {"/bin/", "/usr/sbin/"}, {{0, "bash"}, {1, "bashd"}}), {"bash", "bashd"});
    PackageDatabase apart(root.path());
    CHECK(apart.owner("/usr/bin/bash").empty());
    CHECK(apart.owner("/usr/bin/bashd").empty());
    std::filesystem::create_directories(root.path() + "/usr/bin");
    std::filesystem::create_directory_symlink("usr/bin", root.path() + "/bin");
    std::filesystem::create_directory_symlink("bin", root.path() + "/usr/sbin");
    PackageDatabase merged(root.path());
    CHECK(merged.owner("/usr/bin/bash") == "bash");
    CHECK(merged.owner("/usr/bin/bashd") == "bash");
    CHECK(merged.owner("/usr/local/bin/bash").empty());
}
