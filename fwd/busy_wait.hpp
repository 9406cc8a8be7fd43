// SPDX-License-Identifier: GPL-2.0-or-later
// Whether to look for the next packet again and again rather than to sleep until it comes. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace doorward {

// A program that opens one connection after the other waits each time until the packet thread's processor has woken,
// which takes longer than the decision. Not sleeping pays while packets come quickly, and costs others their time
// where processors have something else to do: so it begins after several quick packets, ends with the first that is
// not, and how long the thread itself waits for a processor is asked meanwhile.
//
// All times are CLOCK_MONOTONIC nanoseconds. For one thread.
class BusyWait {
public:
    static constexpr std::uint64_t most_ns = 150'000;          // looked for no longer
    static constexpr std::uint64_t quick_ns = 200'000;         // the same of who has slept, and had to wake
    static constexpr std::uint32_t quick_batches = 4;          // in succession
    static constexpr std::uint64_t interval_ns = 100'000'000;  // of asking for the delay
    static constexpr std::uint64_t most_delay_percent = 25;    // of the time; beyond it no more is looked for
    static constexpr std::uint64_t rest_ns = 1'000'000'000;    // so long

    // For how many nanoseconds the thread has been ready to run and was not running; nothing: not known.
    using Delay = std::function<std::optional<std::uint64_t>()>;

    // Without `delay` it is never worth while.
    explicit BusyWait(Delay delay = nullptr) : delay_(std::move(delay)) {}

    // Packets came, and have been answered. `own`: this host has sent some of them. Nobody who waits here gains
    // anything by the others.
    void served(std::uint64_t came_ns, std::uint64_t answered_ns, bool own) {
        const std::uint64_t in_time_ns = answered_ns_ + (looked_ ? most_ns : quick_ns);
        quick_ = own && came_ns <= in_time_ns ? std::min(quick_ + 1, quick_batches) : 0;
        looked_ = false;
        answered_ns_ = answered_ns;
    }

    // Until when to look without sleeping; a time that is over: not at all.
    std::uint64_t until_ns(std::uint64_t now_ns) {
        if (!delay_ || quick_ < quick_batches || now_ns >= answered_ns_ + most_ns || !undelayed(now_ns)) return 0;
        looked_ = true;
        return answered_ns_ + most_ns;
    }

private:
    bool undelayed(std::uint64_t now_ns) {
        const std::uint64_t since_ns = now_ns - asked_ns_;
        if (since_ns < interval_ns) return undelayed_;
        const auto delayed_ns = delay_();
        // What was asked long ago says nothing of now.
        const bool known = delayed_ns && delayed_ns_ && since_ns < 2 * interval_ns;
        if (known && (*delayed_ns - *delayed_ns_) * 100 > since_ns * most_delay_percent) rest_until_ns_ = now_ns + rest_ns;
        undelayed_ = known && now_ns >= rest_until_ns_;
        delayed_ns_ = delayed_ns;
        asked_ns_ = now_ns;
        return undelayed_;
    }

    Delay delay_;
    std::uint64_t answered_ns_ = 0;
    std::uint32_t quick_ = 0;
    bool looked_ = false;  // since then
    std::uint64_t asked_ns_ = 0;
    std::optional<std::uint64_t> delayed_ns_;
    std::uint64_t rest_until_ns_ = 0;
    bool undelayed_ = false;
};

}  // namespace doorward
