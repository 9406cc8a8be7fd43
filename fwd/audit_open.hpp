// SPDX-License-Identifier: GPL-2.0-or-later
// Opens the audit database for writing, whatever state it is in. Of AuditStore alone.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "fwd/audit_writer.hpp"

namespace doorward {

// What opening a file came to, when it was no success.
struct Trouble {
    enum class Kind { damaged, newer, leftover, refused } kind = Kind::refused;
    Error error;
};

struct OpenedAudit {
    sqlite::Database database;
    AuditWriter writer;
    bool migrated = false;
};

// Makes the tables, or migrates those of an older version; a chain begins with them. The file is there.
std::expected<OpenedAudit, Trouble> open_audit_file(const std::string& path, int busy_timeout_ms,
                                                    std::int64_t now_us);

// True if an extended error code of SQLite means that the file is not what it should be.
bool is_audit_damage(int code);

}  // namespace doorward
