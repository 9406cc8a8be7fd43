// SPDX-License-Identifier: GPL-2.0-or-later
// What is written into an open audit database, each link behind the last. Of AuditStore alone, which opens
// the database and has the transactions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fwd/audit_chain.hpp"
#include "fwd/audit_record.hpp"
#include "fwd/audit_row.hpp"

namespace doorward {

class AuditWriter {
public:
    AuditWriter() = default;
    static Result<AuditWriter> prepare(sqlite3* database);

    // At the beginning of each transaction: finds where the chain ends. What it yields is where it ended
    // when this writer last committed, if that is no longer so: somebody else has written.
    Result<std::optional<ChainHead>> begin();
    // After the transaction's commit; without it, the next begin() forgets what was added.
    void committed() { known_ = head_; }

    Result<void> rows(std::span<const AuditRecord> records);
    Result<void> event(std::string_view kind, std::int64_t time_us, std::int64_t rows = 0);

    // Deletes the rows up to this one, which is there and not the newest, and keeps what it takes to go on
    // from the next. How many they were.
    Result<std::int64_t> remove(std::int64_t upto, std::int64_t time_us);

    // Where the chain ended at the last commit; nothing before the first.
    const std::optional<ChainHead>& known() const { return known_; }

    // Valid from begin() on.
    const ChainHead& head() const { return head_; }

private:
    struct Event {
        std::string_view kind;
        std::int64_t time_us = 0;
        std::optional<std::int64_t> upto, rows;
        std::optional<Sha256> base;
    };
    Result<void> add(const Event& event);
    Result<Sha256> last_hash(std::int64_t upto);
    Result<std::int64_t> run(const char* sql, std::int64_t value);

    sqlite3* database_ = nullptr;
    sqlite::Statement insert_row_, insert_event_, last_row_, last_event_;
    AuditRowBinder binder_;
    ChainHead head_;
    std::optional<ChainHead> known_;
    std::int64_t last_event_id_ = 0;
};

}  // namespace doorward
