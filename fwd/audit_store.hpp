// SPDX-License-Identifier: GPL-2.0-or-later
// The audit database, written: open, insert, prune. Single-threaded; AuditLog gives it a thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "fwd/audit_record.hpp"
#include "fwd/config.hpp"
#include "rules/result.hpp"

namespace doorward {

// Rows at once deleted by age or size; small, so that no batch waits long for it.
inline constexpr std::int64_t prune_chunk_rows = 4000;

class AuditStore {
public:
    struct Options {
        std::string path;
        std::int64_t group = -1;  // gid that may read; -1: leave as it is
        int busy_timeout_ms = 1000;
        // Told in one line when a file was set aside or migrated.
        std::function<void(const std::string&)> message;
    };

    // Makes what is missing, migrates what is older. A damaged file, or one of a later Doorward, is
    // set aside and a new one begun. Errors: the folder or file can't be written; the file is
    // another program's database (which is not ours to move).
    static Result<AuditStore> open(Options options);

    AuditStore(AuditStore&&) noexcept;
    AuditStore& operator=(AuditStore&&) noexcept;
    // Leaves one plain file without -wal, if no reader has it open: such a file can be read by who
    // may not write to the folder.
    ~AuditStore();

    // All of them in one transaction, or none.
    Result<void> insert(std::span<const AuditRecord> records);

    // Deletes one chunk of what is older than the days or beyond the megabytes, oldest first, and
    // gives space back to the file system. True: call again, there is more. The newest row always
    // stays, so that ids go on rising.
    Result<bool> prune(const Retention& retention, std::int64_t now_us);

    // True if the path no longer names the file that is being written to.
    bool lost_its_file() const;

    // True if the last error was damage to the file, not a shortage or a lock.
    bool damaged() const;

    // Opens the path anew, as open() does; before that sets the file aside if it is damaged.
    Result<void> reopen();

    std::int64_t used_bytes() const;  // rows and indexes; -1 if it can't be asked

private:
    struct Impl;
    explicit AuditStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
