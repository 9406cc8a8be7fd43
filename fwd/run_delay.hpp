// SPDX-License-Identifier: GPL-2.0-or-later
// How long a thread has waited for a processor, and what follows from that (Documentation/scheduler/sched-stats.rst).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fwd/busy_wait.hpp"
#include "fwd/handle.hpp"

namespace doorward {

// Nanoseconds since the thread began in which it was ready to run and was not running, as its file says it. Nothing
// if the kernel does not measure: it says then that the thread has never run. Pure.
std::optional<std::uint64_t> run_delay_of(std::string_view text);

// Owns the open file.
class RunDelay {
public:
    // Of the calling thread. Fails where the kernel does not measure it (CONFIG_SCHED_INFO).
    static Result<RunDelay> open();

    // One system call; from any thread. Nothing: it can't be read any more.
    std::optional<std::uint64_t> ns() const;

private:
    explicit RunDelay(Fd file) : file_(std::move(file)) {}
    Fd file_;
};

// As the calling thread's delay allows; never, where that is not measured.
BusyWait busy_wait_of_thread();

// How many the calling thread may use. On one, whoever looks for a packet keeps its sender from sending it.
int usable_processors();

}  // namespace doorward
