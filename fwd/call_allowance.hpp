// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>

#include <sys/types.h>

namespace doorward {

// How much each user may ask within a second. Root may ask all the time. The second is the same for all,
// so what is remembered is forgotten with it.
class CallAllowance {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds period{1};

    explicit CallAllowance(std::size_t per_period) : per_period_(per_period) {}

    // False: not before the period is over.
    bool take(uid_t user, Clock::time_point now) {
        if (user == 0) return true;
        if (now - began_ >= period) {
            taken_.clear();
            began_ = now;
        }
        std::size_t& taken = taken_[user];
        if (taken >= per_period_) return false;
        ++taken;
        return true;
    }

private:
    std::size_t per_period_;
    Clock::time_point began_{};
    std::unordered_map<uid_t, std::size_t> taken_;
};

}  // namespace doorward
