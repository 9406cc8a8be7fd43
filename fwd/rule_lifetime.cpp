// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_lifetime.hpp"

#include <fmt/format.h>

namespace doorward {

std::string lifetime_text(const Lifetime& lifetime) {
    switch (lifetime.until) {
        case Lifetime::Until::restart: return "until restart";
        case Lifetime::Until::exit: return fmt::format("until PID {} ends", lifetime.pid);
        case Lifetime::Until::removed: break;
    }
    return "until removed";
}

}  // namespace doorward
