// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_log.hpp"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <pthread.h>

namespace doorward {
namespace {

// How often records are fetched while a batch fills: a process that sent and exits soon is still
// there to be asked for its working directory.
constexpr std::chrono::milliseconds drain_interval{5};
constexpr int prune_chunks_at_once = 4;

// Signals are for the main thread, which reads them from a descriptor.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

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

std::int64_t AuditLog::wall_clock_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t AuditLog::Losses::total() const {
    std::int64_t sum = 0;
    for (const auto& row : counts)
        for (const std::int64_t count : row) sum += count;
    return sum;
}

AuditLog::AuditLog(Options options, AuditStore store)
    : options_(std::move(options)), store_(std::move(store)) {
    decisions_.reserve(options_.max_pending);
    drained_decisions_.reserve(options_.max_pending);
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(Options options) {
    auto store =
        AuditStore::open({options.path, options.group, options.busy_timeout_ms, options.message});
    if (!store) return std::unexpected(store.error());
    std::unique_ptr<AuditLog> log(new AuditLog(std::move(options), std::move(*store)));
    const SignalsBlocked inherited_by_the_thread;
    log->thread_ = std::thread([raw = log.get()] { raw->run(); });
    return log;
}

AuditLog::~AuditLog() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

bool AuditLog::record(AuditRecord record) {
    const std::uint64_t flows = flows_of(record);
    return accept(std::move(record), flows, queue_);
}

bool AuditLog::record(Decided&& decided) {
    const std::uint64_t flows = decided.count;
    return accept(std::move(decided), flows, decisions_);
}

template <class Item>
bool AuditLog::accept(Item&& item, std::uint64_t flows, std::vector<std::remove_cvref_t<Item>>& queue) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        if (counters_.pending >= options_.max_pending) {
            counters_.lost += flows;
            losses_.counts[static_cast<std::size_t>(item.verdict)]
                          [static_cast<std::size_t>(item.decision)] += static_cast<std::int64_t>(flows);
            losses_.last_time_us = item.time_us;
            return false;
        }
        // The thread sleeps only while nothing is queued; what comes later is fetched without a
        // call.
        first = nothing_queued();
        queue.push_back(std::move(item));
        ++counters_.accepted;
        ++counters_.pending;
    }
    if (first) wake_.notify_one();
    return true;
}

bool AuditLog::flush(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    const std::uint64_t target = counters_.accepted;
    ++flushers_;
    wake_.notify_one();
    const bool done = settled_.wait_for(lock, timeout, [&] {
        return counters_.written >= target && losses_.total() == 0;
    });
    --flushers_;
    return done;
}

AuditCounters AuditLog::counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
}

std::string AuditLog::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

void AuditLog::run() {
    pthread_setname_np(pthread_self(), "audit-log");
    prune_at_ = Clock::now();
    for (bool stop = false; !stop;) {
        stop = gather();
        write();
        if (!stop) prune_if_due();
    }
    give_up_rest();
    // Closed here rather than by the destructor: the last checkpoint belongs to this thread.
    const AuditStore closed = std::move(store_);
}

// True with the lock held if there is a reason to write now.
bool AuditLog::something_to_do() const {
    return stop_ || flushers_ > 0 || !nothing_queued() || losses_.total() > 0;
}

void AuditLog::take(AuditRecord&& record) {
    if (options_.enrich) options_.enrich(record);
    batch_.push_back(std::move(record));
}

// Moves what is queued to the batch. The lock is given up meanwhile: enriching takes system calls.
void AuditLog::drain(std::unique_lock<std::mutex>& lock) {
    queue_.swap(drained_);
    decisions_.swap(drained_decisions_);
    lock.unlock();
    for (const Decided& decided : drained_decisions_) take(record_of(decided));
    for (AuditRecord& record : drained_) take(std::move(record));
    drained_decisions_.clear();
    drained_.clear();
    lock.lock();
}

// Waits for something to write and collects it until the batch is due. True: the log is to end.
bool AuditLog::gather() {
    std::unique_lock lock(mutex_);
    if (failing_) {
        wake_.wait_until(lock, retry_at_, [&] { return stop_; });
    } else if (!prune_more_) {
        wake_.wait_until(lock, prune_at_, [&] { return something_to_do(); });
    }
    const auto due = Clock::now() + options_.batch_interval;
    drain(lock);
    while (!stop_ && flushers_ == 0 && !failing_ && !batch_.empty() &&
           batch_.size() < options_.batch_rows && Clock::now() < due) {
        wake_.wait_for(lock, drain_interval, [&] { return stop_ || flushers_ > 0; });
        drain(lock);
    }
    // While the last ones were drained, more may have come.
    return stop_ && nothing_queued();
}

void AuditLog::write() {
    if (store_.lost_its_file()) recover_file();
    std::span<const AuditRecord> rest = batch_;
    while (!rest.empty()) {
        const auto rows = rest.first(std::min<std::size_t>(rest.size(), options_.batch_rows));
        if (!write_rows(rows)) break;
        rest = rest.subspan(rows.size());
    }
    batch_.erase(batch_.begin(), batch_.end() - static_cast<std::ptrdiff_t>(rest.size()));
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
    for (const AuditRecord& record : batch_) counters_.lost += flows_of(record);
    counters_.pending -= batch_.size();
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
