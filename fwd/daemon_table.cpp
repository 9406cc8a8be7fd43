// SPDX-License-Identifier: GPL-2.0-or-later
// Another program has touched our table: it is put back, and said and recorded who that was.
#include <fmt/format.h>

#include "fwd/clock.hpp"
#include "fwd/daemon.hpp"
#include "fwd/log.hpp"

namespace doorward {
namespace {

std::string who(const TableCommit& commit) {
    if (commit.thread == 0) return "somebody";
    return fmt::format("{} (pid {})", commit.program, commit.thread);
}

}  // namespace

Result<void> Daemon::watch_table() {
    auto watch = TableWatch::start(event_.get(), guard_->table(),
                                   [this](const TableCommit& commit) { return put_table_back(commit); });
    if (!watch) return std::unexpected(watch.error());
    table_watch_ = std::move(*watch);
    // Before it was watched, it may have gone already.
    if (!guard_->table().counters()) put_table_back({.removed = true, .thread = 0, .program = {}});
    return {};
}

bool Daemon::put_table_back(const TableCommit& commit) {
    const std::uint64_t began_ns = monotonic_ns();
    const std::string what = fmt::format("{} by {}", commit.removed ? "removed" : "changed", who(commit));
    if (auto restored = guard_->restore_table(); !restored) {
        log_line(Severity::error,
                 fmt::format("the table inet doorward was {}: {}", what, restored.error().text()));
        return false;
    }
    ++tables_restored_;
    log_line(Severity::error,
             fmt::format("the table inet doorward was {}; it is in again, {:.1f} ms after that was known, and open "
                         "flows are decided anew", what, static_cast<double>(monotonic_ns() - began_ns) / 1e6));
    AuditRecord record;
    record.time_us = AuditLog::wall_clock_us();
    record.verdict = record.decision = Action::accept;  // of what passed meanwhile nothing else is known
    record.reason = std::string(table_touched) + what;
    audit_->record(std::move(record));
    return true;
}

}  // namespace doorward
