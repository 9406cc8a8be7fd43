// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_prune.hpp"

#include <fmt/format.h>

namespace doorward {
namespace {

constexpr const char* operation = "prune the audit log";
// Free pages kept in the file: they are filled again soon, and truncating costs a rewrite.
constexpr std::int64_t spare_pages = 256;
constexpr std::int64_t vacuum_chunk_pages = 1024;

std::int64_t free_pages(sqlite3* database) {
    return sqlite::number(database, "PRAGMA freelist_count", "read freelist_count").value_or(-1);
}

}  // namespace

Result<std::int64_t> last_outdated_row(sqlite3* database, std::int64_t cutoff_us, std::int64_t now_us) {
    // By id alone, as no index has to be looked into: mostly the first row is young enough.
    auto rows = sqlite::Statement::prepare(
        database, "SELECT id, time_us FROM decisions NOT INDEXED WHERE id < (SELECT max(id) FROM decisions) "
                  "ORDER BY id", operation);
    if (!rows) return std::unexpected(rows.error());
    std::int64_t last = 0;
    for (std::int64_t outdated = 0; outdated < prune_chunk_rows;) {
        const auto more = rows->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        const std::int64_t time_us = rows->column_number(1);
        if (time_us > now_us) continue;
        if (time_us >= cutoff_us) break;
        last = rows->column_number(0);
        ++outdated;
    }
    return last;
}

Result<std::int64_t> last_row_of_chunk(sqlite3* database) {
    return sqlite::number(
        database, fmt::format("SELECT max(id) FROM (SELECT id FROM decisions WHERE id < (SELECT max(id) FROM "
                              "decisions) ORDER BY id LIMIT {})", prune_chunk_rows), operation);
}

Result<bool> shrink(sqlite3* database) {
    const std::int64_t free = free_pages(database);
    if (free <= spare_pages) return false;
    const std::string sql = fmt::format("PRAGMA incremental_vacuum({})", vacuum_chunk_pages);
    if (auto done = sqlite::run(database, sql, "shrink the audit log"); !done)
        return std::unexpected(done.error());
    return free_pages(database) < free;  // a file made without auto_vacuum never shrinks
}

}  // namespace doorward
