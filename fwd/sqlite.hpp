// SPDX-License-Identifier: GPL-2.0-or-later
// SQLite's C interface behind owners, and its errors as Result.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "fwd/handle.hpp"
#include "rules/result.hpp"

namespace doorward::sqlite {

using Database = CHandle<sqlite3, sqlite3_close_v2>;

// Opens with extended error codes on. `flags` are SQLite's; `name` is a path or a file: URI.
Result<Database> open(const std::string& name, int flags, int busy_timeout_ms);

// "cannot <operation>: <SQLite's words>". The database must be the one that just failed.
Error error_of(sqlite3* database, const std::string& operation);

Result<void> run(sqlite3* database, const std::string& sql, const std::string& operation);

// The first column of the first row of a query that yields one number.
Result<std::int64_t> number(sqlite3* database, const std::string& sql,
                            const std::string& operation);

// A prepared statement. Texts and blobs are bound without a copy: they must live until step().
class Statement {
public:
    Statement() = default;
    static Result<Statement> prepare(sqlite3* database, const std::string& sql,
                                     const std::string& operation);

    Statement& text(int index, std::string_view value);
    Statement& blob(int index, std::span<const std::uint8_t> value);
    Statement& number(int index, std::int64_t value);
    Statement& null(int index);
    // Seen only by SQL functions that ask for `type`, which must be a literal.
    Statement& pointer(int index, const void* value, const char* type);

    // True: a row is there. False: done. Names the operation given to prepare() in errors.
    Result<bool> step();
    void reset();  // ready to be bound and stepped again

    std::int64_t column_number(int index) const;       // NULL: 0
    bool column_is_null(int index) const;
    int column_type(int index) const;  // SQLITE_INTEGER, …
    std::string_view column_text(int index) const;     // NULL: empty; valid until the next step
    std::span<const std::uint8_t> column_blob(int index) const;  // the same

private:
    void note(int code);

    CHandle<sqlite3_stmt, sqlite3_finalize> statement_;
    std::string operation_;
    int bind_error_ = SQLITE_OK;  // the first one; step() reports it
};

// Rolls back when it goes out of scope without commit().
class Transaction {
public:
    static Result<Transaction> begin(sqlite3* database);  // takes the write lock at once
    // What is read until the end is of one moment.
    static Result<Transaction> begin_reading(sqlite3* database);
    Result<void> commit();

    Transaction(Transaction&& other) noexcept
        : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

private:
    explicit Transaction(sqlite3* database) : database_(database) {}
    sqlite3* database_;
};

}  // namespace doorward::sqlite
