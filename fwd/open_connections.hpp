// SPDX-License-Identifier: GPL-2.0-or-later
// A set of connections by their two ends. Pure.
#pragma once

#include <set>
#include <tuple>

#include "fwd/conntrack.hpp"

namespace doorward {

class OpenConnections {
public:
    void add(const TrackedFlow& flow) { ends_.insert(ends_of(flow)); }
    bool has(const TrackedFlow& flow) const {
        return flow.protocol == Protocol::tcp && !flow.zoned && ends_.contains(ends_of(flow));
    }

private:
    using Ends = std::tuple<Address, Address, std::uint16_t, std::uint16_t>;
    static Ends ends_of(const TrackedFlow& flow) {
        return {flow.source, flow.destination, flow.source_port, flow.destination_port};
    }

    std::set<Ends> ends_;
};

}  // namespace doorward
