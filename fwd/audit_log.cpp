// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_log.hpp"

#include <algorithm>

#include <pthread.h>

#include "fwd/thread_signals.hpp"

namespace doorward {
namespace {

// How often records are fetched while a batch fills: a process that sent and exits soon is still
// there to be asked for its working directory.
constexpr std::chrono::milliseconds drain_interval{5};

// Signals are for the main thread, which reads them from a descriptor.
class SignalsBlocked {
public:
    SignalsBlocked() {
        const sigset_t all = signals_of_the_main_thread();
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace

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
        AuditStore::open({.path = options.path, .group = options.group,
                          .busy_timeout_ms = options.busy_timeout_ms, .message = options.message,
                          .now_us = options.now_us, .set_aside = options.retention.set_aside});
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
        // The thread sleeps only while nothing is queued; what comes while it collects is fetched without a
        // call.
        first = asleep_ && nothing_queued();
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
        if (!failing_ && Clock::now() >= anchor_at_) tell_anchor();
    }
    give_up_rest();
    // What fails here has been told, or shows at the next start: the log was not closed.
    if (auto closed = store_.say_closed(static_cast<std::int64_t>(unwritten_)); closed) tell_anchor();
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
    std::uint64_t joined = 0;
    for (Decided& decided : drained_decisions_) {
        if (batch_.size() >= SharedRows::busy && shared_.join(decided, batch_)) ++joined;
        else take(record_of(decided));
    }
    for (AuditRecord& record : drained_) take(std::move(record));
    drained_decisions_.clear();
    drained_.clear();
    joined_ += joined;
    lock.lock();
    counters_.pending -= joined;
}

// Waits for something to write and collects it until the batch is due. True: the log is to end.
bool AuditLog::gather() {
    std::unique_lock lock(mutex_);
    if (failing_) {
        wake_.wait_until(lock, retry_at_, [&] { return stop_; });
    } else if (!prune_more_) {
        asleep_ = true;
        wake_.wait_until(lock, std::min(prune_at_, anchor_at_), [&] { return something_to_do(); });
        asleep_ = false;
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

}  // namespace doorward
