// SPDX-License-Identifier: GPL-2.0-or-later
// For commands that go on printing until they are told to stop.
#pragma once

#include <chrono>
#include <csignal>
#include <cstddef>
#include <iterator>

namespace doorward {

// While one lives, SIGINT and SIGTERM end a loop over stop_following() in good order. One that was
// ignored (in the background of a shell script) stays so. Afterwards all is as before. One at a time.
class StopOnSignal {
public:
    StopOnSignal();
    StopOnSignal(const StopOnSignal&) = delete;
    StopOnSignal& operator=(const StopOnSignal&) = delete;
    ~StopOnSignal();

private:
    static constexpr int signals[] = {SIGINT, SIGTERM};
    struct sigaction before_[std::size(signals)] {};
};

bool was_interrupted();

// Waits so long. True when it is time to end: a signal, or nobody reads standard output any more.
bool stop_following(std::chrono::milliseconds wait);

}  // namespace doorward
