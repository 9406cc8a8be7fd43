// SPDX-License-Identifier: GPL-2.0-or-later
// Whose flow is it? All ways of finding out, in order of what they are worth.
#pragma once

#include <memory>
#include <optional>

#include "fwd/audit_record.hpp"
#include "fwd/bindings.hpp"
#include "fwd/handovers.hpp"
#include "fwd/packet_queue.hpp"
#include "fwd/process_table.hpp"
#include "fwd/senders.hpp"
#include "fwd/socket_lookup.hpp"

namespace doorward {

struct Attributed {
    std::shared_ptr<const Process> process;  // null if and only if `unknown` is not none
    Unknown unknown = Unknown::none;
    AttributionSource source = AttributionSource::none;
    std::uint64_t seen_ns = 0;               // CLOCK_MONOTONIC of the first hook; 0: none saw a send
    std::uint64_t identity = 0;              // of the process's program: dw_process.identity
    std::optional<dw_grant> grant = std::nullopt;  // a sender of datagrams, as the kernel knows it
};

// Used by one thread. `sockets` and `processes` must outlive it.
class Attribution {
public:
    using HolderMap = std::function<bool(std::uint64_t cookie, dw_binding&)>;
    // Fills in who else may be given what arrives for that socket, as bpf/port_group.h does. False: not to be told.
    using PortGroups = std::function<bool(dw_port_group&)>;

    Attribution(Senders senders, Bindings bindings, ForeignBindings foreign, HolderMap holders,
                PortGroups groups, SocketLookup& sockets, ProcessTable& processes);
    static HolderMap holders_of_map(int holders_fd);

    // `slot`: of the sender, from the packet's mark; 0 if it names none. Of a packet that comes in:
    // Marks::to_group if several sockets may get it. `now_ns`: CLOCK_MONOTONIC.
    Attributed of(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot,
                  std::uint64_t now_ns);

    // Whether a socket listens for connections at the flow's local end.
    bool listens(const Flow& flow, std::uint32_t interface);

private:
    static constexpr std::size_t handovers_kept = 16384;  // flows, newest first

    FoundSender find(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot,
                     std::uint64_t now_ns);
    FoundSender sender(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot,
                       std::uint64_t now_ns);
    FoundSender asker(const Flow& flow, const QueuedPacket& packet, std::uint64_t now_ns);
    FoundSender answerer(const Flow& flow, const QueuedPacket& packet, std::uint32_t slot);
    FoundSender sender_by_tuple(const Flow& flow, std::uint64_t settled_ns, std::uint64_t now_ns);
    FoundSender receiver(const Flow& flow, const QueuedPacket& packet, bool to_group);
    FoundSender server(const Flow& flow, const QueuedPacket& packet);
    FoundSender connector(const Flow& flow);
    FoundSender group_receiver(const Flow& flow);
    FoundSender held(const dw_binding& holder, std::uint64_t cookie);
    bool shared_with_others(const dw_binding& holder, std::uint64_t cookie);
    FoundSender held_socket(std::optional<std::uint64_t> cookie);
    std::optional<dw_binding> holder(std::uint64_t cookie);

    Senders senders_;
    Bindings bindings_;
    ForeignBindings foreign_;
    HolderMap holders_;
    PortGroups groups_;
    SocketLookup& sockets_;
    ProcessTable& processes_;
    Handovers handovers_{handovers_kept};
};

}  // namespace doorward
