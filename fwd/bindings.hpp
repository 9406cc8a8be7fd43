// SPDX-License-Identifier: GPL-2.0-or-later
// Packet → what the kernel hooks wrote about its sender or receiver.
#pragma once

#include <functional>
#include <optional>

#include "bpf/wire.h"
#include "rules/flow.hpp"

namespace doorward {

bool same_process(const dw_process_key& a, const dw_process_key& b);

// Reads the maps that Probes owns (which must outlive it). Thread-safe: it only makes system calls.
class Bindings {
public:
    // Each asks one map: copies the value for the key and says whether it was there.
    using FlowMap = std::function<bool(const dw_flow_key&, dw_binding&)>;
    using ListenerMap = std::function<bool(const dw_listener_key&, dw_binding&)>;

    Bindings(FlowMap flows, ListenerMap listeners);
    // The maps of the kernel, by descriptor.
    static Bindings of_maps(int bindings_fd, int listeners_fd);

    // The process that sent the first packet of an outbound flow. Of several candidates (a socket
    // may not have chosen its source address when a hook saw it) the latest writer counts.
    std::optional<dw_binding> sender(const Flow& flow) const;

    // The process that bound the local port of an inbound flow.
    std::optional<dw_binding> receiver(const Flow& flow) const;

private:
    FlowMap flows_;
    ListenerMap listeners_;
};

}  // namespace doorward
