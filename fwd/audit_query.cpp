// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_query.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "fwd/audit_file.hpp"
#include "fwd/audit_filter.hpp"
#include "fwd/audit_row.hpp"
#include "fwd/audit_schema.hpp"

namespace doorward {
namespace {

constexpr int busy_timeout_ms = 2000;
// A database that replaces another is empty for a moment; later than this it is an error.
constexpr int reopen_attempts = 50;
constexpr int read_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;

// A path may hold what means something in a URI.
std::string immutable_uri(const std::string& path) {
    std::string uri = "file:";
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' || c == '_';
        uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return uri + "?immutable=1";
}

Result<void> check_access(const std::string& path) {
    if (::access(path.c_str(), R_OK) == 0) return {};
    const int error = errno;
    const char* remedy = error == EACCES
        ? "become root, or a member of the group that the file and its folder belong to"
        : "start doorwardd, or name its database with --database";
    return sys_fail("read the audit log " + path, error, remedy);
}

Result<void> check_version(AuditFile file, const std::string& path) {
    switch (file) {
        case AuditFile::current: return {};
        case AuditFile::empty:
            return fail("the audit log " + path + " is empty", "start doorwardd, which sets it up");
        case AuditFile::older:
            return fail("the audit log " + path + " is of an older schema version",
                        "restart doorwardd, which brings it up to date");
        case AuditFile::newer:
            return fail("the audit log " + path + " is of a newer schema version",
                        "use the doorward command that belongs to the daemon which wrote it");
        case AuditFile::foreign: break;
    }
    return fail(path + " is no audit log but another program's database",
                "name the right file with --database");
}

struct Opened {
    sqlite::Database database;
    bool immutable = false;
};

// Reading a WAL database takes its -wal and -shm files, which someone without the right to write to
// the folder can't make. If there is no -wal, all there is stands in the file itself.
Result<Opened> open_database(const std::string& path) {
    if (auto access = check_access(path); !access) return std::unexpected(access.error());
    Opened opened;
    auto database = sqlite::open(path, read_flags, busy_timeout_ms);
    if (!database) return std::unexpected(database.error());
    auto file = classify_audit_file(database->get());
    const int code = sqlite3_errcode(database->get()) & 0xff;
    const bool no_wal = ::access((path + "-wal").c_str(), F_OK) != 0;
    if (!file && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && no_wal) {
        opened.immutable = true;
        database = sqlite::open(immutable_uri(path), read_flags | SQLITE_OPEN_URI, busy_timeout_ms);
        if (!database) return std::unexpected(database.error());
        file = classify_audit_file(database->get());
    }
    if (!file)
        return fail("the audit log " + path + " can't be read: " + file.error().what,
                    "if it is damaged, doorwardd sets it aside at its next start");
    if (auto checked = check_version(*file, path); !checked)
        return std::unexpected(checked.error());
    if (auto done = register_app_glob(database->get()); !done) return std::unexpected(done.error());
    opened.database = std::move(*database);
    return opened;
}

}  // namespace

struct AuditReader::Impl {
    std::string path;
    Opened opened;
    FileIdentity identity;
    std::int64_t data_version = -1;
    int failed_reopens = 0;

    Result<void> open() {
        // Before: if it is replaced in between, the next look at it shows that.
        const FileIdentity seen = identity_of(path);
        auto result = open_database(path);
        if (!result) return std::unexpected(result.error());
        opened = std::move(*result);
        identity = seen;
        data_version = -1;
        failed_reopens = 0;
        return {};
    }
};

AuditReader::AuditReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditReader::AuditReader(AuditReader&&) noexcept = default;
AuditReader& AuditReader::operator=(AuditReader&&) noexcept = default;
AuditReader::~AuditReader() = default;

Result<AuditReader> AuditReader::open(const std::string& path) {
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    if (auto opened = impl->open(); !opened) return std::unexpected(opened.error());
    return AuditReader(std::move(impl));
}

Result<std::int64_t> AuditReader::last_id() {
    return sqlite::number(impl_->opened.database.get(), "SELECT max(id) FROM decisions",
                          "read the audit log");
}

Result<std::int64_t> AuditReader::before_newest(const AuditFilter& filter, std::int64_t last,
                                                std::int64_t limit) {
    const AuditConditions conditions(filter);
    auto statement = sqlite::Statement::prepare(
        impl_->opened.database.get(),
        "SELECT id FROM decisions WHERE id <= ? AND " + conditions.sql() +
            " ORDER BY id DESC LIMIT 1 OFFSET ?",
        "search the audit log");
    if (!statement) return std::unexpected(statement.error());
    const int next = conditions.bind(statement->number(1, last), 2);
    const auto row = statement->number(next, limit).step();
    if (!row) return std::unexpected(row.error());
    return *row ? statement->column_number(0) : 0;
}

Result<std::vector<AuditRecord>> AuditReader::rows(const AuditFilter& filter, std::int64_t after,
                                                   std::int64_t last, std::int64_t limit) {
    const AuditConditions conditions(filter);
    auto statement = sqlite::Statement::prepare(
        impl_->opened.database.get(),
        "SELECT " + audit_columns_sql() + " FROM decisions WHERE id > ? AND id <= ? AND " +
            conditions.sql() + " ORDER BY id LIMIT ?",
        "search the audit log");
    if (!statement) return std::unexpected(statement.error());
    const int next = conditions.bind(statement->number(1, after).number(2, last), 3);
    statement->number(next, limit);
    std::vector<AuditRecord> found;
    for (;;) {
        const auto row = statement->step();
        if (!row) return std::unexpected(row.error());
        if (!*row) return found;
        auto record = read_audit_row(*statement);
        if (!record) return std::unexpected(record.error());
        found.push_back(std::move(*record));
    }
}

Result<void> AuditReader::each_row(const AuditFilter& filter,
                                   const std::function<Result<void>(const AuditRecord&)>& take) {
    constexpr std::int64_t page_rows = 1000;
    const auto last = last_id();
    if (!last) return std::unexpected(last.error());
    for (std::int64_t after = 0;;) {
        const auto page = rows(filter, after, *last, page_rows);
        if (!page) return std::unexpected(page.error());
        for (const AuditRecord& row : *page)
            if (auto taken = take(row); !taken) return taken;
        if (static_cast<std::int64_t>(page->size()) < page_rows) return {};
        after = page->back().id;
    }
}

Result<ChainReport> AuditReader::verify(const std::optional<ChainHead>& sought) {
    return verify_chain(impl_->opened.database.get(), {.sought = sought, .newest = 0});
}

Result<bool> AuditReader::changed(bool& restarted) {
    const FileIdentity now = identity_of(impl_->path);
    restarted = now != impl_->identity && now != FileIdentity{};
    // An immutable database is read once; only opening it again shows what came since.
    if (restarted || impl_->opened.immutable) {
        const auto opened = impl_->open();
        if (!opened && ++impl_->failed_reopens >= reopen_attempts)
            return std::unexpected(opened.error());
        return opened.has_value();
    }
    const auto version = sqlite::number(impl_->opened.database.get(), "PRAGMA data_version",
                                        "watch the audit log");
    if (!version) return std::unexpected(version.error());
    const bool moved = *version != impl_->data_version;
    impl_->data_version = *version;
    return moved;
}

}  // namespace doorward
