// SPDX-License-Identifier: GPL-2.0-or-later
// The chain through the audit log: what happens to a log in its life is not taken for tampering.
#include <atomic>
#include <thread>

#include "fwd/audit_log.hpp"
#include "fwd/audit_schema.hpp"
#include "tests/pure/audit_chain_fixture.hpp"

using namespace doorward;
using namespace std::chrono_literals;

TEST_CASE("an untouched log verifies, over restarts, while it is open and after a kill") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    ChainHead before;
    {
        Told told(path);
        CHECK_FALSE(verified(path).fault);  // an empty one
        AuditRecord loss;
        loss.reason = audit_loss;
        loss.count = 3;
        AuditRecord hostile = full_record();
        hostile.exe = "/tmp/\x1b[2J\xff\n";
        hostile.command_line = std::string("a\0b\\x41", 7);
        AuditRecord bare;
        bare.evidence = {};
        REQUIRE(told.store->insert(std::vector{full_record(), loss, hostile, bare}));
        const auto report = verified(path);
        CHECK_FALSE(report.fault);
        CHECK(report.rows == 4);
        CHECK(report.first == 1);
        CHECK(report.head == told.store->anchor().value());
        before = report.head;
    }
    {
        const AuditStore killed = AuditStore::open({.path = path, .message = {}}).value();  // never says that it closes
    }
    Told told(path);
    CHECK(told.messages.empty());
    REQUIRE(told.store->insert(records(2500, 10 * day_us)));
    const auto report = verified(path, before);
    CHECK_FALSE(report.fault);
    CHECK(report.rows == 2504);
    CHECK(report.sought == SoughtHead::found);
    CHECK(report.unclean == 1);
    CHECK(report.unclean_row == 4);
}

TEST_CASE("a start looks at the newest rows only, also where events stand between them") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    for (int i = 0; i < 4; ++i) {
        Told told(path);
        REQUIRE(told.store->insert(records(5, 10 * day_us)));
    }
    for (const std::int64_t rows : {1, 3, 4, 5, 6, 10, 19, 20, 21}) CHECK(Told(path, rows).messages.empty());
    sql(path, "UPDATE decisions SET pid = 77 WHERE id = 14");
    CHECK(Told(path, 6).messages.empty());
    CHECK(Told(path, 7).messages.size() == 1);
    CHECK(Told(path).messages.size() == 1);
    CHECK(fault_row(path) == 14);
}

TEST_CASE("what is pruned by age or size is no fault, and can't be put back or be taken for more") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        Told told(path);
        for (int i = 0; i < 5; ++i) REQUIRE(told.store->insert(records(2000, (i + 1) * day_us)));
        REQUIRE(told.store->prune({.days = 30, .megabytes = 512}, 32 * day_us + 1).value());
        CHECK(verified(path).removed_upto == 4000);
        CHECK_FALSE(verified(path).fault);
        REQUIRE(told.store->insert(records(10, 6 * day_us)));
        REQUIRE(told.store->prune({.days = 30, .megabytes = 1}, 32 * day_us).value());
        CHECK(verified(path).removed_upto == 8000);
        for (int i = 0; i < 20 && told.store->prune({.days = 1, .megabytes = 1}, 90 * day_us).value(); ++i) {}
        CHECK(query_number(path, "SELECT count(*) FROM decisions") == 1);
        CHECK(query_number(path, "SELECT count(*) FROM events") <= 4);
        CHECK_FALSE(verified(path).fault);
        REQUIRE(told.store->insert(records(10, 6 * day_us)));
    }
    CHECK(Told(path).messages.empty());
    const auto report = verified(path);
    CHECK_FALSE(report.fault);
    CHECK(report.rows == 11);
    CHECK(report.first == 10'010);
    const std::string copy = folder / "copy.db";
    for (const auto& [change, row] : std::initializer_list<std::pair<std::string, std::int64_t>>{
             {"UPDATE decisions SET id = 5 WHERE id = 10010", 5},
             {"DELETE FROM decisions WHERE id = 10010", 10'010},
             {"UPDATE events SET upto = 10010 WHERE upto = 10009; DELETE FROM decisions WHERE id = 10010", 10'010},
             {"UPDATE events SET base = x'00' WHERE upto = 10009", 10'010}}) {
        std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
        sql(copy, change);
        INFO(change);
        CHECK(fault_row(copy) == row);
    }
}

TEST_CASE("rows go in the order in which they were written, whatever the clock said then") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    Told told(path);
    const auto left = [&] { return query_number(path, "SELECT min(id) FROM decisions"); };
    const Retention retention{.days = 30, .megabytes = 512};
    REQUIRE(told.store->insert(records(3, 5000 * day_us)));  // the clock was ahead
    REQUIRE(told.store->insert(records(3, 10 * day_us)));
    REQUIRE(told.store->insert(records(3, 0)));              // it began anew
    REQUIRE(told.store->insert(records(3, 20 * day_us)));
    // Ahead of the clock, they may be of today.
    CHECK_FALSE(told.store->prune(retention, 35 * day_us).value());
    CHECK(left() == 1);
    CHECK(told.store->prune(retention, 45 * day_us).value());
    CHECK(left() == 10);
    CHECK_FALSE(verified(path).fault);
}

TEST_CASE("rows of a version without the chain stay before it") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        auto database = sqlite::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000);
        REQUIRE(migrate_audit_file(database->get(), audit_chain_version - 1));
        for (int i = 1; i <= 9; ++i)
            REQUIRE(sqlite::run(
                database->get(),
                "INSERT INTO decisions (id, time_us, verdict, decision, rule, reason, direction,"
                " protocol, source, source_port, destination, destination_port, host,"
                " unknown, user, exe, command_line, working_directory, parent_exe, unit, attribution, log)"
                " VALUES (" + std::to_string(i * 2) + ", " + std::to_string(i) + " * 86400000000, 'drop', 'drop', 'old',"
                " 'rule', 'out', 'udp', '10.0.0.1', 5, '10.0.0.2', 53, '', '', 'root',"
                " '/bin/old', '', '', '', '', 'cgroup', 'audit')",
                "test"));
    }
    {
        Told told(path);
        REQUIRE(told.messages.size() == 1);  // of the new schema
        REQUIRE(told.store->insert(records(5, 20 * day_us)));
    }
    CHECK(Told(path).messages.empty());
    auto report = verified(path);
    CHECK_FALSE(report.fault);
    CHECK(report.older == 9);
    CHECK(report.rows == 5);
    CHECK(report.first == 19);
    {
        Told told(path);
        REQUIRE(told.store->prune({.days = 30, .megabytes = 512}, 34 * day_us).value());
        CHECK(verified(path).older == 6);
        CHECK_FALSE(verified(path).fault);
        REQUIRE(told.store->prune({.days = 30, .megabytes = 512}, 49 * day_us).value());
        CHECK(verified(path).older == 0);
        CHECK(verified(path).removed_upto == 18);
        CHECK_FALSE(verified(path).fault);
    }
    sql(path, "UPDATE decisions SET pid = 99 WHERE id = 20");
    CHECK(fault_row(path) == 20);
}

TEST_CASE("a log can be verified while it is written and pruned") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    AuditLog::Options options;
    options.path = path;
    options.batch_interval = 1ms;
    options.retention = {.days = 30, .megabytes = 1};
    options.prune_rows = 500;
    options.now_us = [] { return 40 * day_us; };
    options.max_pending = 3000;
    const auto log = AuditLog::open(options);
    REQUIRE(log);
    const std::vector<AuditRecord> some = records(500, 39 * day_us);
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (int i = 0; i < 40; ++i) {
            for (const AuditRecord& record : some) (*log)->record(record);
            (*log)->flush(20s);
        }
        done = true;
    });
    int times = 0;
    std::string fault;
    while (!done && fault.empty()) {
        auto reader = AuditReader::open(path);
        const auto report = reader ? reader->verify({}) : Result<ChainReport>(std::unexpected(reader.error()));
        if (!report) fault = report.error().text();
        else if (report->fault) fault = report->fault->text();
        ++times;
    }
    writer.join();
    CHECK(fault == "");
    CHECK(times > 1);
    CHECK(verified(path).removed_upto > 4000);
    CHECK_FALSE(verified(path).fault);
}

TEST_CASE("where the chain ends is told at the start, when it has grown, and at the end") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    std::vector<ChainHead> heads;
    std::mutex mutex;
    AuditLog::Options options;
    options.path = path;
    options.anchor_interval = 5ms;
    options.anchor = [&](const ChainHead& head) {
        const std::lock_guard lock(mutex);
        heads.push_back(head);
    };
    const auto told = [&] {
        const std::lock_guard lock(mutex);
        return heads;
    };
    const auto wait_for_row = [&](std::int64_t row) {
        for (int i = 0; i < 4000 && (told().empty() || told().back().row < row); ++i) std::this_thread::sleep_for(5ms);
        REQUIRE_FALSE(told().empty());
        CHECK(told().back().row == row);
    };
    {
        const auto log = AuditLog::open(options);
        REQUIRE(log);
        for (const std::int64_t row : {1, 2}) {
            (*log)->record(full_record());
            wait_for_row(row);
        }
    }
    REQUIRE(told().size() == 3);
    CHECK(told().back() == verified(path).head);
    AuditLog::open(options).value();
    REQUIRE(told().size() == 5);  // at the start and at the end
    for (const ChainHead& head : told()) CHECK(verified(path, head).sought == SoughtHead::found);
}
