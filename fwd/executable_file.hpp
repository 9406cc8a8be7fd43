// SPDX-License-Identifier: GPL-2.0-or-later
// The file that a process runs, opened for reading: that one, or none.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "fwd/handle.hpp"
#include "rules/flow.hpp"

namespace doorward {

// One version of one file. Whoever writes to a file, or puts another in its place, changes this: the
// kernel sets ctime, and no call can set it back.
struct FileVersion {
    std::uint64_t device = 0;  // the kernel's s_dev
    std::uint64_t inode = 0;
    std::uint64_t size = 0;    // bytes
    std::int64_t mtime_ns = 0; // since the epoch
    std::int64_t ctime_ns = 0;

    bool operator==(const FileVersion&) const = default;
};

// What the hook saw the process run.
FileVersion version_of(const Process& process);

// Enough to find the file of a process, be it alive or not.
struct ExecutableQuestion {
    FileVersion version;
    std::uint32_t pid = 0;       // 0: no process; the file is looked for at its path only
    std::uint64_t start_ns = 0;  // CLOCK_BOOTTIME, as the hooks see it
    std::string path;
};

ExecutableQuestion question_of(const Process& process);

// Timestamps move in ticks: within one, a file can change twice and keep its ctime.
inline constexpr std::int64_t timestamp_tick_ns = 20'000'000;

// Pure. Whether a file with this ctime may have been changed after a process was started from it, and
// yet show the same version. All in nanoseconds since the epoch.
constexpr bool fresh_at(std::int64_t ctime_ns, std::int64_t time_ns) {
    return ctime_ns + timestamp_tick_ns > time_ns;
}

// Waits for the disk: not for the packet path.
class ExecutableFile {
public:
    using Opened = std::expected<ExecutableFile, NoContent>;

    // By /proc/PID/exe while the process lives; else what lies at its path now. Either has to be the
    // very version that is asked for.
    static Opened open(const ExecutableQuestion& question, const std::string& proc = "/proc");
    // Whatever file the path leads to.
    static Opened open_path(const std::string& path);

    // Whether the open file still is the version that it was when it was opened.
    bool unchanged() const;

    const FileVersion& version() const { return version_; }
    int fd() const { return fd_.get(); }

private:
    ExecutableFile(Fd fd, FileVersion version) : fd_(std::move(fd)), version_(version) {}
    // `place`: a descriptor that only says where the file is, in a mount of that mountinfo.
    static Opened from(const Fd& place, const std::string& mountinfo);

    Fd fd_;
    FileVersion version_;
};

}  // namespace doorward
