// SPDX-License-Identifier: GPL-2.0-or-later
// What /proc says about one process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fwd/handle.hpp"

namespace doorward {

struct ProcStat {
    std::uint32_t parent_pid = 0;
    std::uint64_t start_ticks = 0;  // since boot, in units of sysconf(_SC_CLK_TCK)

    bool operator==(const ProcStat&) const = default;
};

// Pure: the text of /proc/PID/stat. The name in it may hold spaces, parentheses and line feeds.
std::optional<ProcStat> parse_proc_stat(std::string_view text);

// Pure: the path on the cgroup v2 line ("0::/system.slice/…") of /proc/PID/cgroup.
std::optional<std::string> parse_proc_cgroup(std::string_view text);

// Everything is read through one descriptor of the folder. That stays with the process it was
// opened for: once it has ended, reads fail, also when another has taken its number.
class ProcFolder {
public:
    // `proc` is "/proc" but in tests.
    static std::optional<ProcFolder> open(const std::string& proc, std::uint32_t pid);

    std::optional<ProcStat> stat() const;
    std::string link(const char* name) const;  // "exe", "cwd"; empty if it can't be read
    // At most `limit` bytes of a file; empty if it can't be read.
    std::string text(const char* name, std::size_t limit) const;
    // Where a link such as "exe" leads, as a descriptor that can't be read from.
    Fd place(const char* name) const;

private:
    explicit ProcFolder(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
};

// What is left to read of a file, at most `limit` bytes; empty if it can't be read.
std::string read_file(const Fd& file, std::size_t limit);

// True if a process started `start_ns` after boot (CLOCK_BOOTTIME, as the hooks see it) has this
// field 22. The kernel rounds down to ticks.
bool same_start(std::uint64_t start_ns, std::uint64_t start_ticks);

}  // namespace doorward
