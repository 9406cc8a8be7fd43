// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/sqlite.hpp"

namespace doorward::sqlite {

Error error_of(sqlite3* database, const std::string& operation) {
    const char* words = database != nullptr ? sqlite3_errmsg(database) : "out of memory";
    std::string what = "cannot " + operation + ": " + words;
    // "unable to open database file" alone hides whether it is missing, forbidden or a folder.
    const int system_error = database != nullptr ? sqlite3_system_errno(database) : 0;
    const int code = database != nullptr ? sqlite3_errcode(database) & 0xff : SQLITE_NOMEM;
    if ((code == SQLITE_CANTOPEN || code == SQLITE_IOERR) && system_error != 0)
        what += std::string(" (") + std::strerror(system_error) + ")";
    return {std::move(what), {}, {}};
}

Result<Database> open(const std::string& name, int flags, int busy_timeout_ms) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_EXRESCODE, nullptr);
    Database database(raw);
    if (code != SQLITE_OK) return std::unexpected(error_of(raw, "open " + name));
    sqlite3_busy_timeout(raw, busy_timeout_ms);
    return database;
}

Result<void> run(sqlite3* database, const std::string& sql, const std::string& operation) {
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return std::unexpected(error_of(database, operation));
    return {};
}

Result<std::int64_t> number(sqlite3* database, const std::string& sql,
                            const std::string& operation) {
    auto statement = Statement::prepare(database, sql, operation);
    if (!statement) return std::unexpected(statement.error());
    const auto row = statement->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return fail("cannot " + operation + ": no row came back");
    return statement->column_number(0);
}

Result<Statement> Statement::prepare(sqlite3* database, const std::string& sql,
                                     const std::string& operation) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK)
        return std::unexpected(error_of(database, operation));
    Statement statement;
    statement.statement_.reset(raw);
    statement.operation_ = operation;
    return statement;
}

void Statement::note(int code) {
    if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::text(int index, std::string_view value) {
    // A null pointer would be NULL, not the empty text.
    const char* bytes = value.data() != nullptr ? value.data() : "";
    note(sqlite3_bind_text64(statement_.get(), index, bytes, value.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
    return *this;
}

Statement& Statement::blob(int index, std::span<const std::uint8_t> value) {
    note(sqlite3_bind_blob64(statement_.get(), index, value.data(), value.size(), SQLITE_STATIC));
    return *this;
}

Statement& Statement::number(int index, std::int64_t value) {
    note(sqlite3_bind_int64(statement_.get(), index, value));
    return *this;
}

Statement& Statement::null(int index) {
    note(sqlite3_bind_null(statement_.get(), index));
    return *this;
}

Statement& Statement::pointer(int index, const void* value, const char* type) {
    note(sqlite3_bind_pointer(statement_.get(), index, const_cast<void*>(value), type, nullptr));
    return *this;
}

Result<bool> Statement::step() {
    if (bind_error_ != SQLITE_OK)
        return fail("cannot " + operation_ + ": " + sqlite3_errstr(bind_error_));
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return std::unexpected(error_of(sqlite3_db_handle(statement_.get()), operation_));
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    bind_error_ = SQLITE_OK;
}

std::int64_t Statement::column_number(int index) const {
    return sqlite3_column_int64(statement_.get(), index);
}

bool Statement::column_is_null(int index) const {
    return sqlite3_column_type(statement_.get(), index) == SQLITE_NULL;
}

int Statement::column_type(int index) const {
    return sqlite3_column_type(statement_.get(), index);
}

std::span<const std::uint8_t> Statement::column_blob(int index) const {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), index));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), index))};
}

std::string_view Statement::column_text(int index) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), index));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), index));
    return bytes != nullptr ? std::string_view(bytes, size) : std::string_view();
}

Result<Transaction> Transaction::begin(sqlite3* database) {
    if (auto begun = run(database, "BEGIN IMMEDIATE", "begin a transaction"); !begun)
        return std::unexpected(begun.error());
    return Transaction(database);
}

Result<Transaction> Transaction::begin_reading(sqlite3* database) {
    if (auto begun = run(database, "BEGIN", "begin to read"); !begun) return std::unexpected(begun.error());
    return Transaction(database);
}

Result<void> Transaction::commit() {
    auto done = run(database_, "COMMIT", "commit a transaction");
    if (done) database_ = nullptr;
    return done;
}

Transaction::~Transaction() {
    // Fails harmlessly where SQLite has rolled back by itself (disk full, I/O error).
    if (database_ != nullptr) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace doorward::sqlite
