// SPDX-License-Identifier: GPL-2.0-or-later
// Who has a flow, by what the hooks wrote last: also of flows that the kernel decided by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "fwd/bindings.hpp"
#include "fwd/process_table.hpp"
#include "fwd/senders.hpp"

namespace doorward {

struct LatestSender {
    std::shared_ptr<const Process> process;  // never null
    std::uint64_t since_ns = 0;              // CLOCK_MONOTONIC, when it was first seen to send; 0: not known
};

// Of TCP, UDP and UDPLITE that this host opened. Reads maps that Probes owns (which must outlive it). Used by
// one thread.
class FlowSenders {
public:
    FlowSenders(Senders senders, Bindings bindings, ProcessTable processes);

    // Nothing: it was not seen, or is not known any more.
    std::optional<LatestSender> of(const Flow& flow);

private:
    Senders senders_;
    Bindings bindings_;
    ProcessTable processes_;
};

}  // namespace doorward
