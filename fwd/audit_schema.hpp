// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of the audit database, and how an older file becomes a current one.
#pragma once

#include <cstdint>

#include "fwd/sqlite.hpp"

namespace doorward {

// The version this program writes, kept in PRAGMA user_version.
inline constexpr std::int64_t audit_schema_version = 9;

// The first one with a chain through its rows.
inline constexpr std::int64_t audit_chain_version = 8;

// PRAGMA application_id, "Door": tells our files from other programs' databases.
inline constexpr std::int64_t audit_application_id = 0x446f6f72;

enum class AuditFile : std::uint8_t {
    empty,    // no table, no version: a new file
    current,
    older,    // ours, can be migrated
    newer,    // ours, of a later Doorward
    foreign,  // another program's database
};

// Fails where the file can't be read as a database at all.
Result<AuditFile> classify_audit_file(sqlite3* database);

// Runs the missing steps up to `version`; rows are kept. The caller has begun a transaction, so
// that the file ends up with all of them or as it was.
Result<void> migrate_audit_file(sqlite3* database, std::int64_t version = audit_schema_version);

}  // namespace doorward
