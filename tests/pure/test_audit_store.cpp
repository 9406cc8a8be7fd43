// SPDX-License-Identifier: GPL-2.0-or-later
#include <fstream>
#include <set>

#include <sys/stat.h>

#include "fwd/audit_query.hpp"
#include "fwd/audit_schema.hpp"
#include "fwd/audit_store.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;

namespace {

struct Opened {
    std::vector<std::string> messages;
    Result<AuditStore> store;

    explicit Opened(const std::string& path)
        : store(AuditStore::open({path, -1, 1000, [this](const std::string& text) {
              messages.push_back(text);
          }})) {}
};

void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> names_starting_with(const TempFolder& folder, const std::string& start) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        if (entry.path().filename().string().starts_with(start))
            names.push_back(entry.path().filename());
    return names;
}

std::vector<AuditRecord> read_back(const std::string& path) {
    auto reader = AuditReader::open(path);
    if (!reader) FAIL(reader.error().text());
    const auto rows = reader->rows({}, 0, INT64_MAX, 1'000'000);
    if (!rows) FAIL(rows.error().text());
    return *rows;
}

std::vector<AuditRecord> records(int count, std::int64_t time_us) {
    AuditRecord record = full_record();
    record.time_us = time_us;
    return std::vector<AuditRecord>(static_cast<std::size_t>(count), record);
}

}  // namespace

TEST_CASE("a record comes back from the database as it went in") {
    const TempFolder folder;
    AuditRecord out = full_record();
    AuditRecord in = full_record();
    in.direction = Direction::in;
    in.local = address("2001:db8::1");
    in.remote = address("2001:db8::ffff");
    in.protocol = static_cast<Protocol>(253);
    AuditRecord hostile = full_record();
    hostile.exe = "/tmp/\x1b[2J\xff\n'; DROP TABLE decisions; --";
    hostile.command_line = std::string("a\0b\\x41", 7);
    hostile.rule = "";
    hostile.reason = "default-out";
    AuditRecord unknown;  // nothing known
    unknown.reason = "default-in";
    unknown.unknown = Unknown::no_binding;
    std::vector<AuditRecord> all{out, in, hostile, unknown};
    Opened opened(folder / "audit.db");
    REQUIRE(opened.store);
    REQUIRE(opened.store->insert(all));
    for (std::size_t i = 0; i < all.size(); ++i) all[i].id = static_cast<std::int64_t>(i) + 1;
    CHECK(read_back(folder / "audit.db") == all);
    CHECK(opened.messages.empty());
}

TEST_CASE("columns hold values that people can read") {
    const TempFolder folder;
    Opened opened(folder / "audit.db");
    REQUIRE(opened.store);
    REQUIRE(opened.store->insert(std::vector{full_record()}));
    CHECK(query_text(
              folder / "audit.db",
              "SELECT verdict || ' ' || decision || ' ' || direction || ' ' || protocol || ' ' "
              "|| source || ' ' || source_port || ' ' || destination || ' ' || "
              "destination_port || ' ' || attribution || ' ' || log || '[' || unknown || ']' "
              "FROM decisions") ==
          "accept reject out tcp 10.1.0.1 40000 203.0.113.7 443 kprobe journal[]");
    CHECK(query_text(folder / "audit.db", "SELECT hex(destination_ip) FROM decisions") ==
          "00000000000000000000FFFFCB007107");
}

TEST_CASE("a record without a process has no uid: 0 would be root") {
    const TempFolder folder;
    Opened opened(folder / "audit.db");
    REQUIRE(opened.store);
    REQUIRE(opened.store->insert(std::vector{AuditRecord{}}));
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions WHERE uid IS NULL") ==
          1);
}

TEST_CASE("the three common questions each use an index") {
    const TempFolder folder;
    Opened opened(folder / "audit.db");
    REQUIRE(opened.store);
    const std::pair<const char*, const char*> questions[] = {
        {"exe = '/usr/bin/curl' ORDER BY id DESC", "decisions_by_app"},
        {"decision <> 'accept' ORDER BY id DESC", "decisions_denied"},
        {"destination_ip BETWEEN x'00' AND x'01'", "decisions_by_destination"},
        {"time_us >= 5", "decisions_by_time"},
    };
    for (const auto& [condition, index] : questions) {
        const auto database = sqlite::open(folder / "audit.db", SQLITE_OPEN_READONLY, 1000);
        auto plan = sqlite::Statement::prepare(
            database->get(),
            std::string("EXPLAIN QUERY PLAN SELECT * FROM decisions WHERE ") + condition, "test");
        REQUIRE(plan);
        REQUIRE(plan->step().value_or(false));
        const std::string detail(plan->column_text(3));
        INFO(detail);
        CHECK(detail.find(index) != std::string::npos);
        CHECK_FALSE(plan->step().value_or(true));  // one step only: nothing is sorted
    }
}

TEST_CASE("the file is readable by its group only, and so is a folder that was made for it") {
    const TempFolder folder;
    const std::string path = folder / "new/deep/audit.db";
    const auto mode = [](const std::string& name) {
        struct stat status {};
        REQUIRE(stat(name.c_str(), &status) == 0);
        return status.st_mode & 07777;
    };
    {
        auto store = AuditStore::open({path, getegid(), 1000, {}});
        REQUIRE(store);
        REQUIRE(store->insert(std::vector{full_record()}));
        CHECK(mode(path) == 0640);
        CHECK(mode(path + "-wal") == 0640);
        CHECK(mode(path + "-shm") == 0640);
        CHECK(mode(folder / "new/deep") == 0750);
    }
    chmod(path.c_str(), 0666);
    REQUIRE(AuditStore::open({path, -1, 1000, {}}));
    CHECK(mode(path) == 0640);
}

TEST_CASE("after a clean end there is one plain file") {
    const TempFolder folder;
    {
        Opened opened(folder / "audit.db");
        REQUIRE(opened.store);
        REQUIRE(opened.store->insert(std::vector{full_record()}));
        CHECK(names_starting_with(folder, "audit.db").size() == 3);
    }
    CHECK(names_starting_with(folder, "audit.db") == std::vector<std::string>{"audit.db"});
    CHECK(read_back(folder / "audit.db").size() == 1);
}

TEST_CASE("a file of schema version 1 is migrated and keeps its rows") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        auto database = sqlite::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000);
        REQUIRE(migrate_audit_file(database->get(), 1));
        REQUIRE(sqlite::run(
            database->get(),
            "INSERT INTO decisions (time_us, verdict, decision, rule, reason, direction,"
            " protocol, source, source_port, destination, destination_port, host,"
            " unknown, pid, uid, user, exe, command_line, working_directory,"
            " parent_exe, unit, attribution, log) VALUES (77, 'drop', 'drop', 'old',"
            " 'rule', 'out', 'udp', '10.0.0.1', 5, '10.0.0.2', 53, '', '', 9, 0, 'root',"
            " '/bin/old', '', '', '', '', 'cgroup', 'audit')",
            "test"));
        auto refused = AuditReader::open(path);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().text().find("older schema version") != std::string::npos);
    }
    Opened opened(path);
    REQUIRE(opened.store);
    REQUIRE(opened.messages.size() == 1);
    CHECK(opened.messages[0].find(
              "brought to schema version " + std::to_string(audit_schema_version)) != std::string::npos);
    REQUIRE(opened.store->insert(std::vector{full_record()}));
    const auto rows = read_back(path);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].rule == "old");
    CHECK(rows[0].exe == "/bin/old");
    CHECK(rows[0].count == 1);
    CHECK(rows[0].evidence == Evidence{});
    CHECK(rows[1].count == 2);
    CHECK(rows[1].evidence == full_record().evidence);
    CHECK(query_number(path, "PRAGMA user_version") == audit_schema_version);
}

TEST_CASE("a damaged file is set aside whole, with a loud message, and a new one begun") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    SECTION("not a database") { write_text(path, std::string(10'000, 'x')); }
    SECTION("not a database, and shorter than a page") { write_text(path, "hello\n"); }
    SECTION("a page of rows overwritten") {
        {
            Opened opened(path);
            REQUIRE(opened.store->insert(records(2000, 5)));
        }
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 * 20);
        file << std::string(4096, '\x5a');
    }
    SECTION("tables that are not what the version promises") {
        auto database = sqlite::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000);
        REQUIRE(sqlite::run(database->get(),
                            "CREATE TABLE decisions (x); PRAGMA application_id = 0x446f6f72;"
                            "PRAGMA user_version = 2",
                            "test"));
    }
    SECTION("the same, of an older version") {
        auto database = sqlite::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000);
        REQUIRE(sqlite::run(database->get(),
                            "CREATE TABLE something (x); PRAGMA application_id = 0x446f6f72;"
                            "PRAGMA user_version = 1",
                            "test"));
    }
    write_text(path + "-wal", "left over");
    Opened opened(path);
    REQUIRE(opened.store);
    REQUIRE(opened.messages.size() == 1);
    CHECK(opened.messages[0].find("IS DAMAGED") != std::string::npos);
    const auto aside = names_starting_with(folder, "audit.db.damaged-20");
    CHECK(aside.size() >= 1);
    CHECK(opened.messages[0].find(aside[0].substr(0, 28)) != std::string::npos);
    REQUIRE(opened.store->insert(std::vector{full_record()}));
    CHECK(read_back(path).size() == 1);
}

TEST_CASE("of the files that were set aside, the newest of each kind are kept") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    const std::vector<std::string> others = {
        "audit.db.damaged-yesterday", "audit.db.damaged-20200101T000000Z-x", "audit.db.damaged-20200101T000000Z.gz",
        "audit.db.damaged-20200101T000000Z-1", "audit.db.newer-20200101T000000Z", "other.db.damaged-20200101T000000Z"};
    for (const std::string& name : others) write_text(folder / name, "x");
    // Those of one second have numbers; and the clock was ahead once.
    std::vector<std::string> aside = {"20200101T000000Z", "20200102T000000Z", "20200102T000000Z-2",
                                      "20200102T000000Z-10", "29990101T000000Z"};
    for (std::string& time : aside) time = "audit.db.damaged-" + time;
    for (const std::string& name : aside) write_text(folder / name, "x");
    write_text(folder / aside[1] + "-wal", "x");
    write_text(folder / aside[3] + "-wal", "x");
    write_text(path, std::string(5000, 'x'));
    std::vector<std::string> messages;
    const auto store = AuditStore::open({.path = path, .message = [&](const std::string& text) { messages.push_back(text); },
                                         .set_aside = 3});
    REQUIRE(store);
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].ends_with("the oldest 3 were removed"));
    const auto left = names_starting_with(folder, "");
    const std::set<std::string> all(left.begin(), left.end());
    for (const std::string& name : others) CHECK(all.contains(name));
    for (std::size_t i : {0, 1, 2}) CHECK_FALSE(all.contains(aside[i]));
    for (std::size_t i : {3, 4}) CHECK(all.contains(aside[i]));
    CHECK_FALSE(all.contains(aside[1] + "-wal"));
    CHECK(all.contains(aside[3] + "-wal"));
    CHECK(names_starting_with(folder, "audit.db.damaged-202").size() == 3 + 3);  // and the one of just now
}

TEST_CASE("the -wal of a file that was moved away is not taken for the new one's") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        Opened opened(path);
        REQUIRE(opened.store->insert(records(100, 5)));
        for (const char* part : {"", "-wal", "-shm"})
            std::filesystem::copy_file(path + part, folder / (std::string("kept.db") + part));
    }
    std::filesystem::remove(path);
    for (const char* part : {"-wal", "-shm"})
        std::filesystem::rename(folder / (std::string("kept.db") + part), path + part);
    Opened opened(path);
    if (!opened.store) FAIL(opened.store.error().text());
    REQUIRE(opened.messages.size() == 1);
    CHECK(opened.messages[0].find("HAD GONE") != std::string::npos);
    CHECK(read_back(path).empty());
    CHECK(names_starting_with(folder, "audit.db.leftover-").size() == 3);
}

TEST_CASE("a file of a later version is set aside, and the reader says what it is") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        Opened opened(path);
        REQUIRE(opened.store);
    }
    query_number(path, "SELECT 1");
    {
        auto database = sqlite::open(path, SQLITE_OPEN_READWRITE, 1000);
        REQUIRE(sqlite::run(database->get(), "PRAGMA user_version = 99", "test"));
    }
    const auto refused = AuditReader::open(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().find("newer schema version") != std::string::npos);
    Opened opened(path);
    REQUIRE(opened.store);
    REQUIRE(opened.messages.size() == 1);
    CHECK(names_starting_with(folder, "audit.db.newer-").size() == 1);
    CHECK(read_back(path).empty());
}

TEST_CASE("another program's database is neither written to nor moved") {
    const TempFolder folder;
    const std::string path = folder / "other.db";
    {
        auto database = sqlite::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000);
        REQUIRE(sqlite::run(database->get(), "CREATE TABLE theirs (x)", "test"));
    }
    Opened opened(path);
    REQUIRE_FALSE(opened.store);
    CHECK(opened.store.error().text().find("another program's") != std::string::npos);
    CHECK(names_starting_with(folder, "other.db").size() == 1);
    CHECK(query_number(path, "SELECT count(*) FROM theirs") == 0);
}

TEST_CASE("a place that can't be written to is one clear error") {
    const TempFolder folder;
    write_text(folder / "file", "x");
    for (const std::string& path : {folder / "file/audit.db", folder.path(),
                                    std::string("/proc/audit.db"), std::string("/dev/null")}) {
        Opened opened(path);
        INFO(path);
        REQUIRE_FALSE(opened.store);
        const std::string text = opened.store.error().text();
        INFO(text);
        CHECK(text.find(path.substr(0, 5)) != std::string::npos);
        CHECK(text.find('\n') == std::string::npos);
        CHECK_FALSE(opened.store.error().remedy.empty());
    }
}
