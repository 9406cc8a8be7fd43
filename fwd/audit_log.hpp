// SPDX-License-Identifier: GPL-2.0-or-later
// The audit log as the packet path sees it: hand over a record, never wait for the disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "fwd/audit_record.hpp"
#include "fwd/audit_store.hpp"
#include "fwd/decided.hpp"
#include "fwd/shared_rows.hpp"

namespace doorward {

struct AuditCounters {
    std::uint64_t accepted = 0;        // records and decisions that record() took
    std::uint64_t written = 0;         // of these, in the database
    std::uint64_t pending = 0;         // of these, not yet
    std::uint64_t lost = 0;            // flows: refused for lack of room, or still unwritten at the end
    std::uint64_t lost_recorded = 0;   // of these, counted in a row with the reason "audit-loss"
    std::uint64_t failed_batches = 0;  // each is tried again
    std::uint64_t pruned_chunks = 0;   // deletions by age or size

    bool operator==(const AuditCounters&) const = default;
};

// Owns a thread and, in it, the database. Whatever happens to the file, the thread goes on: what
// can't be written waits, what finds no room is counted by verdict, and the counts become rows as
// soon as writing works again, so that sum(count) over the log is always the number of verdicts.
class AuditLog {
public:
    struct Options {
        std::string path;
        std::int64_t group = -1;            // gid that may read the log; -1: root's only
        Retention retention;
        std::uint32_t max_pending = 65536;  // Limits::audit_records
        // Called on the log's thread once per record before it is written: what is too slow for the
        // packet path (names of users, working directories).
        std::function<void(AuditRecord&)> enrich;
        // One line about trouble; called on the log's thread, and by open() on the caller's.
        std::function<void(const std::string&)> message;
        // Where the chain of the log ends: at the start, in intervals if it has grown, and at the end, if
        // there are rows; called
        // on the log's thread. Kept elsewhere, it shows later whether rows are missing at the end.
        std::function<void(const ChainHead&)> anchor;
        // Wall clock in microseconds, for retention. Replaced in tests.
        std::function<std::int64_t()> now_us = wall_clock_us;

        std::chrono::milliseconds batch_interval{
            50};  // the first record of a batch waits this long
        std::uint32_t batch_rows = 2000;                // most rows per transaction
        std::chrono::milliseconds retry_interval{1000};
        std::chrono::milliseconds message_interval{10'000};  // repeated trouble is told this often
        // Each pruning is an event in the log, so not too often; and after so many rows in any case.
        std::chrono::milliseconds prune_interval{3'600'000};
        std::chrono::milliseconds anchor_interval{3'600'000};
        std::uint32_t prune_rows = 20'000;
        int busy_timeout_ms = 1000;
    };

    static std::int64_t wall_clock_us() { return AuditStore::wall_clock_us(); }

    // Opens the database as AuditStore::open() does, with its errors, and starts the thread.
    static Result<std::unique_ptr<AuditLog>> open(Options options);

    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;
    // Writes what is pending, if the database lets it (tried once), and leaves a plain file.
    ~AuditLog();

    // Any thread. False: there was no room; the record, and each flow that it stands for, is counted as lost.
    bool record(AuditRecord record);
    // The same of a decision, which becomes a record (record_of()) on the log's thread. Allocates nothing.
    bool record(Decided&& decided);

    // Waits until everything accepted before the call is written. False: not within the time.
    bool flush(std::chrono::milliseconds timeout);

    AuditCounters counters() const;

    // Why nothing can be written at present; empty if writing works.
    std::string trouble() const;

private:
    using Clock = std::chrono::steady_clock;

    // Decisions without a row of their own, by what they were: [verdict][decision].
    struct Losses {
        std::int64_t counts[3][3] = {};
        std::int64_t last_time_us = 0;

        std::int64_t total() const;
    };

    AuditLog(Options options, AuditStore store);
    template <class Item>
    bool accept(Item&& item, std::uint64_t flows, std::vector<std::remove_cvref_t<Item>>& queue);
    bool nothing_queued() const { return queue_.empty() && decisions_.empty(); }
    void take(AuditRecord&& record);
    void run();
    bool gather();
    void drain(std::unique_lock<std::mutex>& lock);
    bool something_to_do() const;
    void write();
    bool write_rows(std::span<const AuditRecord> rows);
    bool write_losses();
    void handle_failure(const Error& error);
    void prune_if_due();
    void recover_file();
    void give_up_rest();
    void tell_anchor();

    // One kind of trouble: told, then not again for a while.
    struct Complaint {
        Clock::time_point quiet_until{};
        std::uint64_t untold = 0;
    };
    void complain(Complaint& complaint, const std::string& text);

    const Options options_;

    mutable std::mutex mutex_;  // never held during a system call, allocation of records included
    std::condition_variable wake_;
    std::condition_variable settled_;
    bool asleep_ = false;  // the thread waits until there is something to do
    std::vector<AuditRecord> queue_;
    std::vector<Decided> decisions_;  // capacity max_pending: push_back allocates nothing
    Losses losses_;
    AuditCounters counters_;
    std::string trouble_;
    std::uint32_t flushers_ = 0;
    bool stop_ = false;

    // Of the thread alone.
    AuditStore store_;
    std::vector<AuditRecord> drained_;           // swapped with queue_
    std::vector<Decided> drained_decisions_;     // swapped with decisions_, same capacity
    std::vector<AuditRecord> batch_;
    SharedRows shared_;
    std::uint64_t joined_ = 0;  // decisions that have a row of the batch together with others
    bool failing_ = false;
    Clock::time_point retry_at_{};
    Clock::time_point prune_at_{};
    Clock::time_point anchor_at_{};
    ChainHead told_;
    std::uint64_t unwritten_ = 0;
    bool prune_more_ = false;
    std::uint64_t rows_since_prune_ = 0;
    Complaint about_writing_, about_losses_, about_pruning_;

    std::thread thread_;
};

}  // namespace doorward
