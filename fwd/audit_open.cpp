// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_open.hpp"

#include "fwd/audit_file.hpp"
#include "fwd/audit_schema.hpp"

namespace doorward {
namespace {

// A full check reads every page: about 0.2 s for 64 MB in the page cache. Damage in a larger file
// is found when the page is met, and handled then.
constexpr std::int64_t check_up_to_bytes = std::int64_t{64} << 20;

std::int64_t pragma(sqlite3* database, const std::string& name) {
    return sqlite::number(database, "PRAGMA " + name, "read " + name).value_or(-1);
}

Result<void> check_pages(sqlite3* database) {
    const std::int64_t bytes = pragma(database, "page_count") * pragma(database, "page_size");
    if (bytes > check_up_to_bytes) return {};
    auto check =
        sqlite::Statement::prepare(database, "PRAGMA quick_check(1)", "check the audit log");
    if (!check) return std::unexpected(check.error());
    const auto row = check->step();
    if (!row) return std::unexpected(row.error());
    const std::string said(*row ? check->column_text(0) : "nothing");
    return said == "ok" ? Result<void>{} : fail("quick_check says: " + said);
}

Trouble trouble_of(sqlite3* database, Error error) {
    const bool damage = database != nullptr && is_audit_damage(sqlite3_extended_errcode(database));
    return {damage ? Trouble::Kind::damaged : Trouble::Kind::refused, std::move(error)};
}

// The destination index is written all over the place: with SQLite's 2 MB of cache and a checkpoint
// every 4 MB, a quarter more time goes into reading and writing pages.
constexpr const char* write_settings =
    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 16777216; PRAGMA journal_mode = WAL";

using Done = std::expected<void, Trouble>;

// A file that has no chain gets its beginning together with the tables.
Result<void> begin_chain(sqlite3* database, std::int64_t now_us) {
    auto writer = AuditWriter::prepare(database);
    if (!writer) return std::unexpected(writer.error());
    if (auto begun = writer->begin(); !begun) return std::unexpected(begun.error());
    return writer->event(chain_event::begun, now_us);
}

Done migrate(sqlite3* database, bool chained, std::int64_t now_us) {
    auto transaction = sqlite::Transaction::begin(database);
    if (!transaction) return std::unexpected(trouble_of(database, transaction.error()));
    // The kind of trouble is asked for before the rollback overwrites it.
    if (auto done = migrate_audit_file(database); !done)
        return std::unexpected(trouble_of(database, done.error()));
    if (!chained)
        if (auto done = begin_chain(database, now_us); !done)
            return std::unexpected(trouble_of(database, done.error()));
    if (auto done = transaction->commit(); !done)
        return std::unexpected(trouble_of(database, done.error()));
    return {};
}

// Order matters: auto_vacuum can be chosen only before the first table is made.
Done set_up(sqlite3* database, AuditFile file, std::int64_t now_us) {
    if (file == AuditFile::empty)
        if (auto done =
                sqlite::run(database, "PRAGMA auto_vacuum = INCREMENTAL", "set auto_vacuum");
            !done)
            return std::unexpected(trouble_of(database, done.error()));
    const auto wal =
        sqlite::run(database, write_settings, "prepare the audit log for writing");
    // Busy: a reader holds the file just now. The log works without WAL until the next start.
    if (!wal && (sqlite3_errcode(database) & 0xff) != SQLITE_BUSY)
        return std::unexpected(trouble_of(database, wal.error()));
    const bool chained = sqlite::number(database, "PRAGMA user_version", "read the schema version")
                             .value_or(0) >= audit_chain_version;
    return migrate(database, chained, now_us);
}

}  // namespace

bool is_audit_damage(int code) {
    const int primary = code & 0xff;
    // SQLITE_ERROR: the file does not have the tables that its version promises.
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR;
}

std::expected<OpenedAudit, Trouble> open_audit_file(const std::string& path, int busy_timeout_ms,
                                                    std::int64_t now_us) {
    if (has_leftovers(path))
        return std::unexpected(
            Trouble{Trouble::Kind::leftover,
                    {"it was moved or removed without its -wal and -shm", {}, {}}});
    auto database =
        sqlite::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, busy_timeout_ms);
    if (!database) return std::unexpected(trouble_of(nullptr, database.error()));
    sqlite3* raw = database->get();
    const auto file = classify_audit_file(raw);
    if (!file) return std::unexpected(trouble_of(raw, file.error()));
    if (*file == AuditFile::newer)
        return std::unexpected(
            Trouble{Trouble::Kind::newer, {"it was made by a later Doorward", {}, {}}});
    if (*file == AuditFile::foreign)
        return std::unexpected(Trouble{Trouble::Kind::refused,
                                       {"it is another program's database",
                                        "name another file as `database` in doorward.yaml", {}}});
    if (auto checked = check_pages(raw); !checked)
        return std::unexpected(Trouble{Trouble::Kind::damaged, checked.error()});
    if (auto done = set_up(raw, *file, now_us); !done) return std::unexpected(done.error());
    auto writer = AuditWriter::prepare(raw);
    if (!writer) return std::unexpected(trouble_of(raw, writer.error()));
    return OpenedAudit{std::move(*database), std::move(*writer), *file == AuditFile::older};
}

}  // namespace doorward
