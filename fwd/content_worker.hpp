// SPDX-License-Identifier: GPL-2.0-or-later
// Finds out, on a thread of its own, what rules ask of executables' files.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "fwd/content_cache.hpp"
#include "fwd/file_digest.hpp"
#include "fwd/handle.hpp"
#include "fwd/package_database.hpp"

namespace doorward {

struct ContentCounters {
    std::uint64_t hashed = 0;
    std::uint64_t hits = 0;
    std::array<std::uint64_t, no_content_reasons> failures{};  // by NoContent
    std::uint64_t cached = 0;
    std::uint64_t capacity = 0;
    std::uint64_t evicted = 0;
    std::uint64_t pending = 0;
    std::uint64_t pending_capacity = 0;
    std::uint64_t packaged_paths = 0;
    std::uint64_t packaged_paths_left_out = 0;
};

// Public calls are for any thread and take no system call under a lock; only look() waits.
class ContentWorker {
public:
    struct Options {
        std::size_t cached = 4096;    // versions of files remembered at most
        std::size_t pending = 256;    // files waiting to be read at most; a quarter of them of one user
        std::string proc = "/proc";   // replaced in tests
        std::string root;
    };

    static Result<std::unique_ptr<ContentWorker>> start(Options options);
    static Result<std::unique_ptr<ContentWorker>> start() { return start(Options{}); }
    ~ContentWorker();

    // What is known of the file that the process runs; null: not all of `wanted`, see request().
    SharedContent find(const Process& process, Facts wanted);

    // The same question without counting it as a hit.
    bool known(const Process& process, Facts wanted);

    // Has it found out; ready_fd() becomes readable then. False: too many are waiting.
    bool request(const Process& process, Facts wanted);

    // Finds out beforehand, when nothing more urgent is to be done.
    void prefetch(std::vector<std::string> paths, Facts wanted);

    // The same for a file at a path, waited for. Null if that took too long.
    SharedContent look(const std::string& path, Facts wanted, std::chrono::milliseconds timeout);

    // Readable once something was found out since it was last read. Stays the worker's.
    int ready_fd() const { return ready_.get(); }
    ContentCounters counters() const;

private:
    struct Job {
        ContentKey key;
        ExecutableQuestion question;
        Facts wanted;
        ExecutableContent found;
        std::optional<FileDigest> digest;  // of the open file, while it is read

        std::uint64_t read() const { return digest ? digest->read() : 0; }  // bytes so far
    };
    enum class Step : std::uint8_t { idle, worked, finished };

    explicit ContentWorker(Options options);
    void run();
    void take_prefetched(const std::string& path, Facts wanted);
    bool advance();  // true: one file was read on
    void make_room();
    Step advance(Job& job);
    Step open(Job& job);
    Step failed(Job& job, NoContent reason);
    void finish(Job& job);
    bool request(ExecutableQuestion question, Facts wanted, std::uint32_t uid);
    std::string package_of(const ExecutableQuestion& question);

    const Options options_;
    ContentCache cache_;
    Fd ready_;
    std::atomic<std::uint64_t> hashed_ = 0;
    std::atomic<std::uint64_t> hits_ = 0;
    std::array<std::atomic<std::uint64_t>, no_content_reasons> failures_{};
    std::atomic<std::uint64_t> packaged_paths_ = 0;
    std::atomic<std::uint64_t> left_out_ = 0;

    // The worker thread's own.
    std::list<Job> jobs_;
    std::vector<std::uint8_t> buffer_;
    PackageDatabase packages_;

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable wake_;
    std::condition_variable done_;
    std::deque<Job> inbox_;
    struct Pending {
        Facts wanted;
        std::uint32_t uid = 0;  // whose process it was asked for
    };
    std::unordered_map<ContentKey, Pending, ContentKeyHash> pending_;
    std::deque<std::pair<std::string, Facts>> prefetch_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace doorward
