// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/chain_base.hpp"

#include <fmt/format.h>

namespace doorward {
namespace {

constexpr const char* operation = "verify the audit log";

}  // namespace

// SQLITE_ERROR: there are not the tables that the version promises.
void ChainQueries::note_damage() {
    const int code = sqlite3_errcode(database_) & 0xff;
    damaged_ = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
}

Result<sqlite::Statement> ChainQueries::prepare(const std::string& sql,
                                                std::initializer_list<std::int64_t> values) {
    auto statement = sqlite::Statement::prepare(database_, sql, operation);
    if (!statement) return note_damage(), std::move(statement);
    int index = 0;
    for (const std::int64_t value : values) statement->number(++index, value);
    return statement;
}

Result<bool> ChainQueries::step(sqlite::Statement& statement) {
    auto row = statement.step();
    if (!row) note_damage();
    return row;
}

Result<std::optional<std::int64_t>> ChainQueries::number(const std::string& sql,
                                                         std::initializer_list<std::int64_t> values) {
    auto statement = prepare(sql, values);
    if (!statement) return std::unexpected(statement.error());
    const auto row = step(*statement);
    if (!row) return std::unexpected(row.error());
    if (!*row || statement->column_is_null(0)) return std::nullopt;
    return statement->column_number(0);
}

Result<std::optional<ChainBase>> find_chain_base(ChainQueries& queries) {
    auto statement = queries.prepare(
        "SELECT id, CASE kind WHEN 'begun' THEN after_id ELSE upto END, base, time_us, kind FROM events"
        " WHERE kind IN ('begun', 'removed') ORDER BY id DESC LIMIT 1", {});
    if (!statement) return std::unexpected(statement.error());
    const auto row = queries.step(*statement);
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    ChainBase base{.event = statement->column_number(0), .row = statement->column_number(1), .before = {},
                   .time_us = statement->column_number(3),
                   .removed = statement->column_text(4) == chain_event::removed};
    if (base.removed) base.before = stored_hash(*statement, 2).value_or(Sha256{});
    return base;
}

Result<std::optional<ChainFault>> find_before(ChainQueries& queries, const ChainBase& base) {
    const auto row = queries.number(
        base.removed ? "SELECT min(id) FROM decisions WHERE id <= ?"
                     : "SELECT min(id) FROM decisions WHERE id <= ? AND (chain IS NOT NULL OR id < 1)", {base.row});
    if (!row) return std::unexpected(row.error());
    if (*row) return ChainFault{**row, {}, base.removed
                 ? fmt::format("it was put in: all up to {} had been removed by age or size", base.row)
                 : "it has a hash, but stands before the beginning of the chain"};
    const auto event = queries.number(base.removed ? "SELECT min(after_id) FROM events WHERE after_id <= ?"
                                                   : "SELECT min(after_id) FROM events WHERE id < ?",
                                      {base.removed ? base.row : base.event});
    if (!event) return std::unexpected(event.error());
    if (*event) return ChainFault{**event, {}, "the event behind it was put in"};
    const auto made = queries.number("SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')", {});
    if (!made) return std::unexpected(made.error());
    if (made->value_or(0) > 0) return ChainFault{0, {}, "the database has a trigger or a view, which no Doorward makes"};
    return std::nullopt;
}

}  // namespace doorward
