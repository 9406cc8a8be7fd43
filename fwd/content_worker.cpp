// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/content_worker.hpp"

#include <algorithm>
#include <filesystem>

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fwd/clock.hpp"
#include "fwd/thread_signals.hpp"

namespace doorward {
namespace {

constexpr std::size_t piece = std::size_t{1} << 20;  // read of one file before it is the next's turn
constexpr std::size_t most_prefetched = 4096;
constexpr auto pause = std::chrono::milliseconds(5);

ContentKey key_of(const ExecutableQuestion& question) {
    return {question.version, question.path};
}

// The path without symbolic links, and the file's version; nothing if there is no such file.
std::expected<ExecutableQuestion, NoContent> question_at(const std::string& path) {
    std::error_code error;
    std::string real = std::filesystem::canonical(path, error).string();
    if (error) return std::unexpected(NoContent::gone);
    const auto file = ExecutableFile::open_path(real);
    if (!file) return std::unexpected(file.error());
    return ExecutableQuestion{file->version(), 0, 0, std::move(real)};
}

}  // namespace

ContentWorker::ContentWorker(Options options)
    : options_(std::move(options)), cache_(options_.cached), buffer_(piece),
      packages_(options_.root) {}

Result<std::unique_ptr<ContentWorker>> ContentWorker::start(Options options) {
    std::unique_ptr<ContentWorker> worker(new ContentWorker(std::move(options)));
    worker->ready_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!worker->ready_) return sys_fail("create an event descriptor");
    worker->thread_ = std::thread([self = worker.get()] { self->run(); });
    return worker;
}

ContentWorker::~ContentWorker() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

SharedContent ContentWorker::find(const Process& process, Facts wanted) {
    auto content = cache_.find({version_of(process), process.exe}, wanted, monotonic_ns());
    if (content) hits_++;
    return content;
}

bool ContentWorker::known(const Process& process, Facts wanted) {
    return cache_.find({version_of(process), process.exe}, wanted, monotonic_ns()) != nullptr;
}

bool ContentWorker::request(const Process& process, Facts wanted) {
    return request(question_of(process), wanted, process.uid);
}

bool ContentWorker::request(ExecutableQuestion question, Facts wanted, std::uint32_t uid) {
    ContentKey key = key_of(question);
    {
        const std::scoped_lock lock(mutex_);
        const auto known = pending_.find(key);
        if (known != pending_.end() && known->second.wanted.covers(wanted)) return true;
        const auto of_user = std::ranges::count(pending_, uid, [](const auto& e) { return e.second.uid; });
        if (pending_.size() >= options_.pending ||
            static_cast<std::size_t>(of_user) >= std::max<std::size_t>(options_.pending / 4, 1))
            return false;
        Pending& pending = pending_[key];
        pending.wanted.add(wanted);
        pending.uid = uid;
        inbox_.push_back({std::move(key), std::move(question), wanted,
                          ExecutableContent::nothing(wanted, NoContent::none), std::nullopt});
    }
    wake_.notify_one();
    return true;
}

void ContentWorker::prefetch(std::vector<std::string> paths, Facts wanted) {
    {
        const std::scoped_lock lock(mutex_);
        for (std::string& path : paths)
            if (prefetch_.size() < most_prefetched) prefetch_.emplace_back(std::move(path), wanted);
    }
    wake_.notify_one();
}

SharedContent ContentWorker::look(const std::string& path, Facts wanted,
                                  std::chrono::milliseconds timeout) {
    auto question = question_at(path);
    if (!question)
        return std::make_shared<const ExecutableContent>(
            ExecutableContent::nothing(wanted, question.error()));
    const ContentKey key = key_of(*question);
    const auto known = [&] { return cache_.find(key, wanted, monotonic_ns()); };
    SharedContent content = known();
    if (content || !request(std::move(*question), wanted, ::getuid())) return content;
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, timeout, [&] { return (content = known()) != nullptr; });
    return content;
}

void ContentWorker::run() {
    block_signals();
    ::pthread_setname_np(::pthread_self(), "digests");
    for (;;) {
        std::optional<std::pair<std::string, Facts>> ahead;
        {
            std::unique_lock lock(mutex_);
            const auto busy = [&] {
                return ending_ || !inbox_.empty() || !jobs_.empty() || !prefetch_.empty();
            };
            wake_.wait(lock, busy);
            if (ending_) return;
            while (!inbox_.empty()) {
                jobs_.push_back(std::move(inbox_.front()));
                inbox_.pop_front();
            }
            if (jobs_.empty() && !prefetch_.empty()) {
                ahead = std::move(prefetch_.front());
                prefetch_.pop_front();
            }
        }
        if (ahead) take_prefetched(ahead->first, ahead->second);
        else if (!advance()) std::this_thread::sleep_for(pause);
    }
}

void ContentWorker::take_prefetched(const std::string& path, Facts wanted) {
    auto question = question_at(path);
    if (!question || cache_.find(key_of(*question), wanted, monotonic_ns())) return;
    request(std::move(*question), wanted, ::getuid());
}

// The one that least was read of is next: so a small file waits for no more of each large one than
// for as much as itself, however many came before it.
bool ContentWorker::advance() {
    jobs_.sort([](const Job& a, const Job& b) { return a.read() < b.read(); });
    make_room();
    for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
        const Step step = advance(*job);
        if (step == Step::idle) continue;
        if (step == Step::finished) {
            finish(*job);
            jobs_.erase(job);
        }
        return true;
    }
    return false;
}

// For newcomers, before they are turned away: those go of which most was read and more is left.
void ContentWorker::make_room() {
    while (jobs_.size() > std::max<std::size_t>(options_.pending * 3 / 4, 1)) {
        failed(jobs_.back(), NoContent::too_many);
        finish(jobs_.back());
        jobs_.pop_back();
    }
}

ContentWorker::Step ContentWorker::advance(Job& job) {
    if (!job.digest) return open(job);
    const auto now = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
    switch (job.digest->step(now, buffer_)) {
    case FileDigest::State::waiting: return Step::idle;
    case FileDigest::State::reading: return Step::worked;
    case FileDigest::State::failed: return failed(job, job.digest->failure());
    case FileDigest::State::done: break;
    }
    job.found.sha256 = job.digest->digest();
    hashed_++;
    return Step::finished;
}

ContentWorker::Step ContentWorker::open(Job& job) {
    auto file = ExecutableFile::open(job.question, options_.proc);
    if (!file) return failed(job, file.error());
    if (job.wanted.has(Fact::verity)) job.found.verity = verity_digest(file->fd());
    if (job.wanted.has(Fact::package)) job.found.package = package_of(job.question);
    if (!job.wanted.has(Fact::sha256)) return Step::finished;
    job.digest.emplace(std::move(*file));
    return Step::worked;
}

// A path means something to the package database only where it leads to this very file for us too:
// not in a container, nor under a mount of the process's own.
std::string ContentWorker::package_of(const ExecutableQuestion& question) {
    const auto here = ExecutableFile::open_path(question.path);
    if (!here || here->version() != question.version) return {};
    std::string owner = packages_.owner(question.path);
    packaged_paths_ = packages_.paths();
    left_out_ = packages_.left_out();
    return owner;
}

ContentWorker::Step ContentWorker::failed(Job& job, NoContent reason) {
    failures_[static_cast<std::size_t>(reason)]++;
    job.found.missing = reason;
    return Step::finished;
}

void ContentWorker::finish(Job& job) {
    cache_.put(job.key, job.found, monotonic_ns());
    {
        const std::scoped_lock lock(mutex_);
        pending_.erase(job.key);
    }
    done_.notify_all();
    ::eventfd_write(ready_.get(), 1);
}

ContentCounters ContentWorker::counters() const {
    ContentCounters counters;
    counters.hashed = hashed_;
    counters.hits = hits_;
    for (std::size_t i = 0; i < failures_.size(); ++i) counters.failures[i] = failures_[i];
    counters.cached = cache_.size();
    counters.capacity = cache_.capacity();
    counters.evicted = cache_.evicted();
    counters.packaged_paths = packaged_paths_;
    counters.packaged_paths_left_out = left_out_;
    const std::scoped_lock lock(mutex_);
    counters.pending = pending_.size();
    counters.pending_capacity = options_.pending;
    return counters;
}

}  // namespace doorward
