// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_writer.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sys/random.h>

namespace doorward {
namespace {

constexpr const char* write_operation = "write to the audit log";

// So that no two databases have the same chain, whatever they hold.
Sha256 random_base() {
    Sha256 base{};
    // Never blocks: a firewall that starts early must not wait. Before the kernel's generator is ready the
    // time alone tells two chains apart.
    (void)::getrandom(base.data(), base.size(), GRND_NONBLOCK);
    return base;
}

// Resets the statement when done: one that stays open holds the database.
class Reset {
public:
    explicit Reset(sqlite::Statement& statement) : statement_(statement) {}
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;
    ~Reset() { statement_.reset(); }

private:
    sqlite::Statement& statement_;
};

}  // namespace

Result<AuditWriter> AuditWriter::prepare(sqlite3* database) {
    AuditWriter writer;
    writer.database_ = database;
    const std::pair<sqlite::Statement*, std::string> statements[] = {
        {&writer.insert_row_, audit_insert_sql()},
        {&writer.insert_event_,
         fmt::format("INSERT INTO events ({}, chain) VALUES (?,?,?,?,?,?,?,?)", event_columns)},
        {&writer.last_row_, "SELECT id, chain FROM decisions ORDER BY id DESC LIMIT 1"},
        {&writer.last_event_, "SELECT id, after_id, chain FROM events ORDER BY id DESC LIMIT 1"},
    };
    for (const auto& [statement, sql] : statements) {
        auto prepared = sqlite::Statement::prepare(database, sql, write_operation);
        if (!prepared) return std::unexpected(prepared.error());
        *statement = std::move(*prepared);
    }
    return writer;
}

// A hash that is none of ours leaves zeros: the log goes on, and does not verify.
Result<std::optional<ChainHead>> AuditWriter::begin() {
    head_ = {};
    const auto row = last_row_.step();
    if (row && *row) head_ = {last_row_.column_number(0), stored_hash(last_row_, 1).value_or(Sha256{})};
    last_row_.reset();  // before the other is stepped: a reset overwrites what kind of error there was
    if (!row) return std::unexpected(row.error());
    const Reset done(last_event_);
    const auto event = last_event_.step();
    if (!event) return std::unexpected(event.error());
    last_event_id_ = *event ? last_event_.column_number(0) : 0;
    // If the newest rows are gone, their ids are not given to others.
    if (*event && last_event_.column_number(1) >= head_.row)
        head_ = {last_event_.column_number(1), stored_hash(last_event_, 2).value_or(Sha256{})};
    return known_ && *known_ != head_ ? known_ : std::nullopt;
}

Result<void> AuditWriter::rows(std::span<const AuditRecord> records) {
    for (const AuditRecord& record : records) {
        const Reset done(insert_row_);
        const Sha256& hash = binder_.bind(insert_row_, head_.row + 1, record, head_.hash);
        if (auto stepped = insert_row_.step(); !stepped) return std::unexpected(stepped.error());
        head_ = {head_.row + 1, hash};
    }
    return {};
}

Result<void> AuditWriter::event(std::string_view kind, std::int64_t time_us, std::int64_t rows) {
    Event event{.kind = kind, .time_us = time_us, .upto = {}, .rows = {}, .base = {}};
    if (kind == chain_event::begun) event.base = random_base();
    if (kind == chain_event::closed) event.rows = rows;
    return add(event);
}

Result<void> AuditWriter::add(const Event& event) {
    const Reset done(insert_event_);
    LinkContent content;
    content.begin(head_.hash, LinkKind::event);
    int index = 0;
    const auto number = [&](std::optional<std::int64_t> value) {
        value ? content.number(*value) : content.null();
        value ? insert_event_.number(++index, *value) : insert_event_.null(++index);
    };
    number(last_event_id_ + 1);
    number(head_.row);
    number(event.time_us);
    content.text(event.kind);
    insert_event_.text(++index, event.kind);
    number(event.upto);
    number(event.rows);
    event.base ? content.blob(*event.base) : content.null();
    event.base ? insert_event_.blob(++index, *event.base) : insert_event_.null(++index);
    const Sha256 hash = content.hash();
    insert_event_.blob(++index, hash);
    if (auto stepped = insert_event_.step(); !stepped) return std::unexpected(stepped.error());
    ++last_event_id_;
    head_.hash = hash;
    return {};
}

Result<std::int64_t> AuditWriter::run(const char* sql, std::int64_t value) {
    auto statement = sqlite::Statement::prepare(database_, sql, "prune the audit log");
    if (!statement) return std::unexpected(statement.error());
    const auto row = statement->number(1, value).step();
    if (!row) return std::unexpected(row.error());
    return *row ? statement->column_number(0) : sqlite3_changes(database_);
}

// Of the last link that goes: an event behind the row, or the row itself.
Result<Sha256> AuditWriter::last_hash(std::int64_t upto) {
    for (const char* sql : {"SELECT chain FROM events WHERE after_id = ? ORDER BY id DESC LIMIT 1",
                            "SELECT chain FROM decisions WHERE id = ?"}) {
        auto statement = sqlite::Statement::prepare(database_, sql, "prune the audit log");
        if (!statement) return std::unexpected(statement.error());
        const auto row = statement->number(1, upto).step();
        if (!row) return std::unexpected(row.error());
        if (*row) return stored_hash(*statement, 0).value_or(Sha256{});
    }
    return Sha256{};
}

Result<std::int64_t> AuditWriter::remove(std::int64_t upto, std::int64_t time_us) {
    const auto older = run("SELECT count(*) FROM events WHERE kind = 'begun' AND after_id > ?", upto);
    if (!older) return older;
    const auto base = last_hash(upto);
    if (!base) return std::unexpected(base.error());
    const auto rows = run("DELETE FROM decisions WHERE id <= ?", upto);
    // Rows older than the chain are no part of it.
    if (!rows || *older > 0) return rows;
    if (auto gone = run("DELETE FROM events WHERE after_id <= ?", upto); !gone) return gone;
    if (auto added = add({chain_event::removed, time_us, upto, *rows, *base}); !added)
        return std::unexpected(added.error());
    return rows;
}

}  // namespace doorward
