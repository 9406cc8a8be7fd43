// SPDX-License-Identifier: GPL-2.0-or-later
// What the audit log's thread does with the database.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "fwd/audit_log.hpp"

namespace doorward {
namespace {

constexpr int prune_chunks_at_once = 4;

AuditRecord loss_row(std::size_t verdict, std::size_t decision, std::int64_t count,
                     std::int64_t time_us) {
    AuditRecord row;
    row.time_us = time_us;
    row.verdict = static_cast<Action>(verdict);
    row.decision = static_cast<Action>(decision);
    row.reason = audit_loss;
    row.count = count;
    return row;
}

}  // namespace

void AuditLog::write() {
    if (store_.lost_its_file()) recover_file();
    std::span<const AuditRecord> rest = batch_;
    while (!rest.empty()) {
        const auto rows = rest.first(std::min<std::size_t>(rest.size(), options_.batch_rows));
        if (!write_rows(rows)) break;
        rest = rest.subspan(rows.size());
    }
    if (rest.size() < batch_.size()) shared_.clear();
    batch_.erase(batch_.begin(), batch_.end() - static_cast<std::ptrdiff_t>(rest.size()));
    if (batch_.empty() && joined_ > 0) {
        const std::lock_guard lock(mutex_);
        counters_.written += std::exchange(joined_, 0);
    }
    const bool good = batch_.empty() && write_losses();
    if (good && failing_) {
        failing_ = false;
        {
            const std::lock_guard lock(mutex_);
            trouble_.clear();
        }
        about_writing_ = {};
        complain(about_writing_, "the audit log " + options_.path + " is being written again");
    }
    settled_.notify_all();
}

bool AuditLog::write_rows(std::span<const AuditRecord> rows) {
    auto done = store_.insert(rows);
    if (!done && store_.damaged()) {
        recover_file();
        done = store_.insert(rows);
    }
    if (!done) return handle_failure(done.error()), false;
    rows_since_prune_ += rows.size();
    const std::lock_guard lock(mutex_);
    counters_.written += rows.size();
    counters_.pending -= rows.size();
    return true;
}

// One row per kind of decision, so that the sums by verdict stay true.
bool AuditLog::write_losses() {
    Losses taken;
    {
        const std::lock_guard lock(mutex_);
        taken = losses_;
    }
    if (taken.total() == 0) return true;
    std::vector<AuditRecord> rows;
    for (std::size_t verdict = 0; verdict < 3; ++verdict)
        for (std::size_t decision = 0; decision < 3; ++decision)
            if (const std::int64_t count = taken.counts[verdict][decision]; count > 0)
                rows.push_back(loss_row(verdict, decision, count, taken.last_time_us));
    if (auto done = store_.insert(rows); !done) return handle_failure(done.error()), false;
    complain(about_losses_,
             fmt::format("{} decisions came faster than they could be written: they are in the "
                         "audit log as a number only",
                         taken.total()));
    const std::lock_guard lock(mutex_);
    for (std::size_t verdict = 0; verdict < 3; ++verdict)
        for (std::size_t decision = 0; decision < 3; ++decision)
            losses_.counts[verdict][decision] -= taken.counts[verdict][decision];
    counters_.lost_recorded += static_cast<std::uint64_t>(taken.total());
    return true;
}

void AuditLog::handle_failure(const Error& error) {
    failing_ = true;
    retry_at_ = Clock::now() + options_.retry_interval;
    {
        const std::lock_guard lock(mutex_);
        ++counters_.failed_batches;
        trouble_ = error.text();
    }
    complain(about_writing_,
        fmt::format("the audit log {} can't be written now: {} (trying again; {} decisions wait)",
                    options_.path, error.text(), batch_.size()));
}

// The file is damaged, or someone moved or removed it.
void AuditLog::recover_file() {
    const bool damaged = store_.damaged();
    auto opened = store_.reopen();
    if (!opened) complain(about_writing_, opened.error().text());
    else if (!damaged)
        complain(about_writing_,
                 "the audit log " + options_.path + " had gone; a new one has been begun");
}

void AuditLog::prune_if_due() {
    const auto now = Clock::now();
    if (failing_) return;
    if (!prune_more_ && now < prune_at_ && rows_since_prune_ < options_.prune_rows) return;
    prune_at_ = now + options_.prune_interval;
    rows_since_prune_ = 0;
    prune_more_ = true;
    // A few chunks, then the next batch: neither waits long for the other.
    for (int chunk = 0; chunk < prune_chunks_at_once && prune_more_; ++chunk) {
        const auto more = store_.prune(options_.retention, options_.now_us());
        prune_more_ = more.value_or(false);
        if (!more)
            return complain(about_pruning_,
                            "the audit log can't be pruned now: " + more.error().text());
        const std::lock_guard lock(mutex_);
        if (*more) ++counters_.pruned_chunks;
    }
}

void AuditLog::give_up_rest() {
    if (batch_.empty()) return;
    complain(about_writing_,
             fmt::format("{} decisions could not be written to the audit log before the end",
                         batch_.size()));
    const std::lock_guard lock(mutex_);
    for (const AuditRecord& record : batch_) unwritten_ += flows_of(record);
    counters_.lost += unwritten_;
    counters_.pending -= batch_.size();
}

// Outside of the database, so that whoever changes that can't change this.
void AuditLog::tell_anchor() {
    anchor_at_ = Clock::now() + options_.anchor_interval;
    if (!options_.anchor) return;
    const auto head = store_.anchor();
    if (!head) return complain(about_writing_, head.error().text());
    // Without a row there is nothing that could be missing later.
    if (std::exchange(told_, *head) != *head && head->row > 0) options_.anchor(*head);
}

void AuditLog::complain(Complaint& complaint, const std::string& text) {
    if (!options_.message) return;
    if (Clock::now() < complaint.quiet_until) {
        ++complaint.untold;
        return;
    }
    complaint.quiet_until = Clock::now() + options_.message_interval;
    options_.message(complaint.untold == 0
                         ? text
                         : fmt::format("{} (and {} messages like it)", text, complaint.untold));
    complaint.untold = 0;
}

}  // namespace doorward
