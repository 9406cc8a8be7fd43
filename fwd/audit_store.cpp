// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_store.hpp"

#include <ctime>

#include <fmt/format.h>

#include "fwd/audit_file.hpp"
#include "fwd/audit_row.hpp"
#include "fwd/audit_schema.hpp"

namespace doorward {
namespace {

// A full check reads every page: about 0.2 s for 64 MB in the page cache. Damage in a larger file
// is found when the page is met, and handled then.
constexpr std::int64_t check_up_to_bytes = std::int64_t{64} << 20;
// Free pages kept in the file: they are filled again soon, and truncating costs a rewrite.
constexpr std::int64_t spare_pages = 256;
constexpr std::int64_t vacuum_chunk_pages = 1024;

bool is_damage(int code) {
    const int primary = code & 0xff;
    // SQLITE_ERROR: the file does not have the tables that its version promises.
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR;
}

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

// What opening a file came to, when it was no success.
struct Trouble {
    enum class Kind { damaged, newer, leftover, refused } kind = Kind::refused;
    Error error;
};

struct Words {
    const char* suffix;  // of the name it is set aside under
    const char* text;
};

Words words_for(Trouble::Kind kind) {
    switch (kind) {
        case Trouble::Kind::newer: return {"newer", "CAN'T BE CONTINUED"};
        case Trouble::Kind::leftover: return {"leftover", "HAD GONE"};
        case Trouble::Kind::damaged:
        case Trouble::Kind::refused: break;
    }
    return {"damaged", "IS DAMAGED"};
}

Trouble trouble_of(sqlite3* database, Error error) {
    const bool damage = database != nullptr && is_damage(sqlite3_extended_errcode(database));
    return {damage ? Trouble::Kind::damaged : Trouble::Kind::refused, std::move(error)};
}

struct Opened {
    sqlite::Database database;
    sqlite::Statement insert;
    bool migrated = false;
};

// The destination index is written all over the place: with SQLite's 2 MB of cache and a checkpoint
// every 4 MB, a quarter more time goes into reading and writing pages.
constexpr const char* write_settings =
    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 16777216; PRAGMA journal_mode = WAL";

using Done = std::expected<void, Trouble>;

Done migrate(sqlite3* database) {
    auto transaction = sqlite::Transaction::begin(database);
    if (!transaction) return std::unexpected(trouble_of(database, transaction.error()));
    // The kind of trouble is asked for before the rollback overwrites it.
    if (auto done = migrate_audit_file(database); !done)
        return std::unexpected(trouble_of(database, done.error()));
    if (auto done = transaction->commit(); !done)
        return std::unexpected(trouble_of(database, done.error()));
    return {};
}

// Order matters: auto_vacuum can be chosen only before the first table is made.
Done set_up(sqlite3* database, AuditFile file) {
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
    return migrate(database);
}

std::expected<Opened, Trouble> open_file(const std::string& path, int busy_timeout_ms) {
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
    if (auto done = set_up(raw, *file); !done) return std::unexpected(done.error());
    auto insert = sqlite::Statement::prepare(raw, audit_insert_sql(), "write to the audit log");
    if (!insert) return std::unexpected(trouble_of(raw, insert.error()));
    return Opened{std::move(*database), std::move(*insert), *file == AuditFile::older};
}

}  // namespace

struct AuditStore::Impl {
    Options options;
    Opened opened;
    FileIdentity identity;
    bool damaged = false;

    sqlite3* database() const { return opened.database.get(); }

    void tell(const std::string& text) const {
        if (options.message) options.message(text);
    }

    // To be called right after a failure, before anything else uses the connection.
    std::unexpected<Error> failed(Error error) {
        damaged = is_damage(sqlite3_extended_errcode(database()));
        return std::unexpected(std::move(error));
    }

    Result<void> open();
    Result<void> set_aside(const Trouble& trouble);
    void close();
    Result<bool> delete_chunk(const std::string& condition, std::int64_t limit_value);
    bool over(const Retention& retention) const;
    std::int64_t used_bytes() const;
};

Result<void> AuditStore::Impl::set_aside(const Trouble& trouble) {
    const auto [suffix, words] = words_for(trouble.kind);
    const auto name = set_aside_audit_file(options.path, suffix, std::time(nullptr));
    if (!name) return std::unexpected(name.error());
    tell(fmt::format(
        "THE AUDIT LOG {} {} ({}): what was there is now {}, and a new one has been begun",
        options.path, words, trouble.error.text(), *name));
    return {};
}

Result<void> AuditStore::Impl::open() {
    for (int attempt = 0;; ++attempt) {
        if (auto prepared = prepare_audit_file(options.path, options.group); !prepared)
            return prepared;
        auto result = open_file(options.path, options.busy_timeout_ms);
        if (result) {
            opened = std::move(*result);
            break;
        }
        const Trouble& trouble = result.error();
        if (trouble.kind == Trouble::Kind::refused || attempt > 0)
            return fail("the audit log " + options.path + " can't be used: " + trouble.error.what,
                        trouble.error.remedy);
        if (auto moved = set_aside(trouble); !moved) return moved;
    }
    if (opened.migrated)
        tell(fmt::format("the audit log {} was brought to schema version {}", options.path,
                         audit_schema_version));
    identity = identity_of(options.path);
    damaged = false;
    return {};
}

void AuditStore::Impl::close() {
    opened.insert = {};
    // Fails while a reader has the file open; the next clean stop does it then.
    if (opened.database && !damaged)
        sqlite3_exec(database(), "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
    opened.database.reset();
}

std::int64_t AuditStore::Impl::used_bytes() const {
    const std::int64_t pages = pragma(database(), "page_count");
    const std::int64_t free = pragma(database(), "freelist_count");
    const std::int64_t size = pragma(database(), "page_size");
    return pages < 0 || free < 0 || size < 0 ? -1 : (pages - free) * size;
}

bool AuditStore::Impl::over(const Retention& retention) const {
    return used_bytes() > static_cast<std::int64_t>(retention.megabytes) << 20;
}

Result<bool> AuditStore::Impl::delete_chunk(const std::string& condition, std::int64_t value) {
    const std::string sql = fmt::format(
        "DELETE FROM decisions WHERE id < (SELECT max(id) FROM decisions) AND id IN "
        "(SELECT id FROM decisions WHERE {} LIMIT {})", condition, prune_chunk_rows);
    auto statement = sqlite::Statement::prepare(database(), sql, "prune the audit log");
    if (!statement) return failed(statement.error());
    if (auto done = statement->number(1, value).step(); !done) return failed(done.error());
    return sqlite3_changes(database()) > 0;
}

AuditStore::AuditStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditStore::AuditStore(AuditStore&&) noexcept = default;
AuditStore& AuditStore::operator=(AuditStore&&) noexcept = default;

AuditStore::~AuditStore() {
    if (impl_) impl_->close();
}

Result<AuditStore> AuditStore::open(Options options) {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    if (auto opened = impl->open(); !opened) return std::unexpected(opened.error());
    return AuditStore(std::move(impl));
}

Result<void> AuditStore::insert(std::span<const AuditRecord> records) {
    if (!impl_->opened.database) return fail("the audit log is not open");
    auto transaction = sqlite::Transaction::begin(impl_->database());
    if (!transaction) return impl_->failed(transaction.error());
    AuditRowBinder binder;
    for (const AuditRecord& record : records) {
        binder.bind(impl_->opened.insert, record);
        const auto done = impl_->opened.insert.step();
        if (!done) {
            auto error = impl_->failed(done.error());
            impl_->opened.insert.reset();
            return error;
        }
        impl_->opened.insert.reset();
    }
    if (auto done = transaction->commit(); !done) return impl_->failed(done.error());
    return {};
}

Result<bool> AuditStore::prune(const Retention& retention, std::int64_t now_us) {
    if (!impl_->opened.database) return fail("the audit log is not open");
    constexpr std::int64_t day_us = 86'400'000'000;
    const std::int64_t cutoff = now_us - static_cast<std::int64_t>(retention.days) * day_us;
    auto more = impl_->delete_chunk("time_us < ? ORDER BY time_us", cutoff);
    if (more && !*more && impl_->over(retention)) more = impl_->delete_chunk("? ORDER BY id", 1);
    if (!more) return more;
    const std::int64_t free_pages = pragma(impl_->database(), "freelist_count");
    if (free_pages <= spare_pages) return more;
    const std::string sql = fmt::format("PRAGMA incremental_vacuum({})", vacuum_chunk_pages);
    if (auto done = sqlite::run(impl_->database(), sql, "shrink the audit log"); !done)
        return impl_->failed(done.error());
    const bool shrunk = pragma(impl_->database(), "freelist_count") < free_pages;
    return *more || shrunk;  // a file made without auto_vacuum never shrinks
}

bool AuditStore::lost_its_file() const {
    return identity_of(impl_->options.path) != impl_->identity;
}

bool AuditStore::damaged() const {
    return impl_->damaged;
}

Result<void> AuditStore::reopen() {
    const bool damaged = impl_->damaged;
    impl_->close();
    if (damaged) {
        const Trouble trouble{Trouble::Kind::damaged, {"found while writing", {}, {}}};
        if (auto moved = impl_->set_aside(trouble); !moved) return moved;
        impl_->damaged = false;
    }
    return impl_->open();
}

std::int64_t AuditStore::used_bytes() const {
    return impl_->opened.database ? impl_->used_bytes() : -1;
}

}  // namespace doorward
