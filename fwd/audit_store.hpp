// SPDX-License-Identifier: GPL-2.0-or-later
// The audit database, written: open, insert, prune. Single-threaded; AuditLog gives it a thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "fwd/audit_chain.hpp"
#include "fwd/audit_record.hpp"
#include "fwd/config.hpp"
#include "rules/result.hpp"

namespace doorward {

class AuditStore {
public:
    static std::int64_t wall_clock_us();

    struct Options {
        std::string path;
        std::int64_t group = -1;  // gid that may read; -1: leave as it is
        int busy_timeout_ms = 1000;
        // Told in one line when a file was set aside or migrated.
        std::function<void(const std::string&)> message;
        // Microseconds since the epoch, for the log's own events.
        std::function<std::int64_t()> now_us = wall_clock_us;
        std::uint32_t set_aside = Retention{}.set_aside;  // as there
        std::int64_t checked_rows = 20'000;  // of the newest, whose chain is walked at each opening
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

    // All of them in one transaction, or none. Whoever else has written meanwhile is told about, and the
    // chain goes on from what is there.
    Result<void> insert(std::span<const AuditRecord> records);

    // Before a clean end; `unwritten`: flows that will be in no row.
    Result<void> say_closed(std::int64_t unwritten);

    // Where the chain ends, once all of it is on the disk.
    Result<ChainHead> anchor();

    // Deletes one chunk of what is older than the days or beyond the megabytes, and gives space back to
    // the file system. True: call again, there is more. Rows go in the order in which they were written:
    // one that is outdated stays as long as one before it does. The newest row always stays, so that ids
    // go on rising.
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
