// SPDX-License-Identifier: GPL-2.0-or-later
#include <atomic>
#include <fstream>

#include "fwd/audit_log.hpp"
#include "fwd/audit_query.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;
using namespace std::chrono_literals;

namespace {

// Long enough for a slow machine; nothing here waits this long unless it is broken.
constexpr auto patience = 20'000ms;

// Keeps what the log says; called from its thread.
class Messages {
public:
    std::function<void(const std::string&)> sink() {
        return [this](const std::string& text) {
            const std::lock_guard lock(mutex_);
            all_ += text + "\n";
        };
    }
    std::string all() const {
        const std::lock_guard lock(mutex_);
        return all_;
    }

private:
    mutable std::mutex mutex_;
    std::string all_;
};

AuditLog::Options quick(const std::string& path, Messages& messages) {
    AuditLog::Options options;
    options.path = path;
    options.message = messages.sink();
    options.batch_interval = 10ms;
    options.retry_interval = 20ms;
    options.busy_timeout_ms = 10;
    // Catch2 allows assertions in one thread only, so nothing that makes them is called there.
    options.now_us = [now = full_record().time_us] { return now; };
    return options;
}

template <class Condition>
bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

// Another process's hold on the file, which lets nobody write.
class WriteLock {
public:
    explicit WriteLock(const std::string& path)
        : database_(sqlite::open(path, SQLITE_OPEN_READWRITE, 2000).value()) {
        REQUIRE(sqlite::run(database_.get(), "BEGIN IMMEDIATE", "test"));
    }

private:
    sqlite::Database database_;
};

}  // namespace

TEST_CASE("what is recorded is written, soon and without being asked") {
    const TempFolder folder;
    Messages messages;
    const auto log = AuditLog::open(quick(folder / "audit.db", messages));
    REQUIRE(log);
    for (int i = 0; i < 5000; ++i) REQUIRE((*log)->record(full_record()));
    REQUIRE(eventually([&] { return (*log)->counters().written == 5000; }));
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions") == 5000);
    const AuditCounters counters = (*log)->counters();
    CHECK(counters == AuditCounters{.accepted = 5000, .written = 5000});
    CHECK(messages.all().empty());
    CHECK((*log)->trouble().empty());
}

TEST_CASE("flush waits for what was accepted, and the end writes the rest") {
    const TempFolder folder;
    Messages messages;
    {
        auto options = quick(folder / "audit.db", messages);
        options.batch_interval = 10s;  // only flush and the end come sooner
        const auto log = AuditLog::open(options);
        REQUIRE(log);
        for (int i = 0; i < 100; ++i) (*log)->record(full_record());
        REQUIRE((*log)->flush(patience));
        CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions") == 100);
        for (int i = 0; i < 50; ++i) (*log)->record(full_record());
    }
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions") == 150);
}

TEST_CASE("what is recorded just before the end is written too, whatever the thread is doing") {
    const TempFolder folder;
    Messages messages;
    auto options = quick(folder / "audit.db", messages);
    std::atomic<bool> busy = false, ending = false;
    options.enrich = [&](AuditRecord&) {
        busy = true;
        while (!ending) std::this_thread::sleep_for(1ms);
        std::this_thread::sleep_for(20ms);
    };
    {
        const auto log = AuditLog::open(options);
        REQUIRE(log);
        (*log)->record(full_record());
        REQUIRE(eventually([&] { return busy.load(); }));
        for (int i = 0; i < 9; ++i) (*log)->record(full_record());
        ending = true;  // and the log is told to end while it is still enriching the first
    }
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions") == 10);
}

TEST_CASE("enrich sees each record once, on the log's thread, before it is written") {
    const TempFolder folder;
    Messages messages;
    std::atomic<int> calls = 0;
    std::atomic<bool> other_thread = true;
    auto options = quick(folder / "audit.db", messages);
    options.enrich = [&, self = std::this_thread::get_id()](AuditRecord& record) {
        ++calls;
        if (std::this_thread::get_id() == self) other_thread = false;
        record.user = "enriched";
    };
    const auto log = AuditLog::open(options);
    for (int i = 0; i < 300; ++i) (*log)->record(full_record());
    REQUIRE((*log)->flush(patience));
    CHECK(calls == 300);
    CHECK(other_thread);
    CHECK(query_number(folder / "audit.db",
                       "SELECT count(*) FROM decisions WHERE user='enriched'") == 300);
}

TEST_CASE("what finds no room is counted by verdict, and the counts become rows") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    Messages messages;
    auto options = quick(path, messages);
    options.max_pending = 100;
    const auto log = AuditLog::open(options);
    AuditRecord record = full_record();
    record.count = 1;
    {
        const WriteLock lock(path);
        for (int i = 0; i < 100; ++i) REQUIRE((*log)->record(record));
        for (int i = 0; i < 40; ++i) REQUIRE_FALSE((*log)->record(record));
        record.verdict = record.decision = Action::drop;
        record.time_us += 7;
        record.count = 3;
        for (int i = 0; i < 2; ++i) REQUIRE_FALSE((*log)->record(record));
        Decided repeats;
        repeats.verdict = repeats.decision = Action::accept;
        repeats.time_us = record.time_us;
        repeats.count = 4;
        REQUIRE_FALSE((*log)->record(std::move(repeats)));
        CHECK_FALSE((*log)->flush(50ms));
        REQUIRE(eventually([&] { return !(*log)->trouble().empty(); }));
        const AuditCounters counters = (*log)->counters();
        CHECK(counters.pending == 100);
        CHECK(counters.lost == 50);
        CHECK(counters.written == 0);
        CHECK(counters.failed_batches >= 1);
        CHECK((*log)->trouble().find("locked") != std::string::npos);
    }
    REQUIRE((*log)->flush(patience));
    const AuditCounters counters = (*log)->counters();
    CHECK(counters.written == 100);
    CHECK(counters.lost_recorded == 50);
    CHECK(counters.pending == 0);
    CHECK(query_number(path, "SELECT sum(count) FROM decisions") == 150);
    CHECK(query_number(path, "SELECT sum(count) FROM decisions WHERE verdict='drop'") == 6);
    CHECK(query_number(path, "SELECT sum(count) FROM decisions WHERE decision='reject'") == 140);
    CHECK(query_number(path, "SELECT count(*) FROM decisions WHERE reason='audit-loss'") == 3);
    CHECK(query_number(path, "SELECT max(time_us) FROM decisions WHERE reason='audit-loss'") ==
          record.time_us);
    CHECK(query_number(path, "SELECT count(*) FROM decisions WHERE reason='audit-loss' AND "
                             "(destination_ip IS NOT NULL OR exe<>'')") == 0);
    REQUIRE(eventually([&] { return (*log)->trouble().empty(); }));
}

TEST_CASE("decisions become records on the log's thread, and are enriched as others are") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    Messages messages;
    auto options = quick(path, messages);
    options.enrich = [](AuditRecord& record) { record.user = record.exe + "!"; };
    const auto log = AuditLog::open(options);
    for (int i = 0; i < 50; ++i) {
        auto process = std::make_shared<Process>();
        process->pid = static_cast<std::uint32_t>(i + 1);
        process->exe = "/usr/bin/tool";
        Decided decided;
        decided.time_us = full_record().time_us;
        decided.verdict = decided.decision = Action::accept;
        decided.process = process;
        decided.flow.process = process.get();
        decided.count = 2;
        REQUIRE((*log)->record(std::move(decided)));
    }
    REQUIRE((*log)->record(full_record()));
    REQUIRE((*log)->flush(patience));
    CHECK((*log)->counters().written == 51);
    CHECK(query_number(path, "SELECT sum(count) FROM decisions WHERE user='/usr/bin/tool!'") == 100);
    CHECK(query_number(path, "SELECT count(DISTINCT pid) FROM decisions WHERE exe='/usr/bin/tool'") == 50);
}

TEST_CASE("repeated trouble is not told again and again") {
    const TempFolder folder;
    Messages messages;
    const auto log = AuditLog::open(quick(folder / "audit.db", messages));
    const WriteLock lock(folder / "audit.db");
    (*log)->record(full_record());
    REQUIRE(eventually([&] { return (*log)->counters().failed_batches >= 5; }));
    const std::string all = messages.all();
    const std::size_t first = all.find("can't be written now");
    REQUIRE(first != std::string::npos);
    CHECK(all.find("can't be written now", first + 1) == std::string::npos);
}

TEST_CASE("at the end, what can't be written is counted as lost and told, and nothing hangs") {
    const TempFolder folder;
    Messages messages;
    {
        auto options = quick(folder / "audit.db", messages);
        options.message_interval = 0ms;
        const auto log = AuditLog::open(options);
        const WriteLock lock(folder / "audit.db");
        for (int i = 0; i < 7; ++i) (*log)->record(full_record());
        CHECK_FALSE((*log)->flush(30ms));
        // `log` goes first: it is destroyed while the lock is held.
        const_cast<std::unique_ptr<AuditLog>&>(*log).reset();
    }
    CHECK(messages.all().find("7 decisions could not be written") != std::string::npos);
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions") == 0);
}

TEST_CASE("a file that is removed while it is written to is begun anew") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    Messages messages;
    const auto log = AuditLog::open(quick(path, messages));
    (*log)->record(full_record());
    REQUIRE((*log)->flush(patience));
    // Held open by a reader, as it may well be.
    const auto reader = AuditReader::open(path);
    REQUIRE(reader);
    SECTION("whole") {
        for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path + part);
    }
    SECTION("without its -wal and -shm") { std::filesystem::rename(path, path + ".old"); }
    for (int i = 0; i < 3; ++i) (*log)->record(full_record());
    REQUIRE((*log)->flush(patience));
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == 3);
    CHECK(messages.all().find("had gone; a new one has been begun") != std::string::npos);
}

TEST_CASE("a file that is damaged while it is written to is set aside, and no record is lost") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    Messages messages;
    const auto log = AuditLog::open(quick(path, messages));
    for (int i = 0; i < 3000; ++i) (*log)->record(full_record());
    REQUIRE((*log)->flush(patience));
    query_number(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    {
        // Every page but the first, which the connection would notice by other means.
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file << std::string(std::filesystem::file_size(path) - 4096, '\x5a');
    }
    // A write by another connection makes the log's own forget the pages that it has in memory.
    {
        auto other = sqlite::open(path, SQLITE_OPEN_READWRITE, 2000);
        REQUIRE(sqlite::run(other->get(), "PRAGMA user_version = 2", "test"));
    }
    for (int i = 0; i < 500; ++i) (*log)->record(full_record());
    REQUIRE((*log)->flush(patience));
    CHECK(messages.all().find("IS DAMAGED") != std::string::npos);
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == 500);
    CHECK((*log)->counters().written == 3500);
}

TEST_CASE("old rows are pruned by the log's own thread") {
    const TempFolder folder;
    Messages messages;
    auto options = quick(folder / "audit.db", messages);
    options.prune_interval = 5ms;
    options.retention.days = 1;
    options.now_us = [later = full_record().time_us + std::int64_t{2} * 86'400'000'000] {
        return later;
    };
    const auto log = AuditLog::open(options);
    for (int i = 0; i < 200; ++i) (*log)->record(full_record());
    REQUIRE((*log)->flush(patience));
    REQUIRE(eventually([&] {
        return query_number(folder / "audit.db", "SELECT count(*) FROM decisions") == 1;
    }));
}

TEST_CASE("a reader sees every row once, in order, while several threads record") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    Messages messages;
    auto options = quick(path, messages);
    options.batch_rows = 50;
    options.busy_timeout_ms = 2000;
    const auto log = AuditLog::open(options);
    constexpr int per_thread = 3000;
    constexpr int threads = 3;
    std::vector<std::thread> writers;
    for (std::uint32_t writer = 1; writer <= threads; ++writer)
        writers.emplace_back([&log, writer, record = full_record()]() mutable {
            record.pid = writer;
            for (std::uint16_t i = 0; i < per_thread; ++i) {
                record.local_port = i;
                (*log)->record(record);
            }
        });
    auto reader = AuditReader::open(path);
    REQUIRE(reader);
    std::vector<std::uint16_t> next(threads + 1, 0);
    std::int64_t last = 0;
    int seen = 0;
    const bool all = eventually([&] {
        const auto rows = reader->rows({}, last, INT64_MAX, 1000);
        if (!rows) FAIL(rows.error().text());
        for (const AuditRecord& row : *rows) {
            REQUIRE(row.id == last + 1);
            REQUIRE(row.local_port == next.at(row.pid)++);
            last = row.id;
            ++seen;
        }
        return seen >= per_thread * threads;
    });
    for (std::thread& writer : writers) writer.join();
    CHECK(all);
    CHECK((*log)->counters().lost == 0);
}
