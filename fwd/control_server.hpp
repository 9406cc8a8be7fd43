// SPDX-License-Identifier: GPL-2.0-or-later
// The control socket: connections, credentials and limits. What a call means is the handler's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <systemd/sd-event.h>

#include "fwd/control_peer.hpp"
#include "fwd/control_protocol.hpp"

namespace doorward {

struct ControlLimits {
    std::size_t clients = 64;          // connections at a time
    std::size_t root_reserve = 16;     // of these, kept free for root
    std::size_t clients_per_uid = 16;  // of one user other than root
    std::size_t calls_per_second = 200;  // and connections, of one user other than root
    std::size_t call_bytes = max_call_bytes;
    std::size_t reply_bytes = max_reply_bytes;
    std::chrono::seconds idle{300};    // without a call
    std::chrono::seconds stalled{10};  // in the middle of a call, or of reading a reply
};

struct ControlServerOptions {
    std::string path = "/run/doorward/control.sock";
    AccessGroups groups;
    ControlLimits limits;
};

// Lives on the event loop's thread, which also runs the handler. Handles one call of a client at a
// time, and one call per turn of the loop, so that no client keeps the loop from its other work. Who asks too
// often waits, on all of his connections, until the second is over.
class ControlServer {
public:
    using Handler = std::function<Reply(const Call&, Access)>;

    static Result<ControlServer> open(sd_event* event, ControlServerOptions options,
                                      Handler handler);

    ControlServer(ControlServer&&) noexcept;
    ControlServer& operator=(ControlServer&&) noexcept;
    ~ControlServer();  // closes every connection and removes the socket file

    std::size_t clients() const;

private:
    struct Impl;
    explicit ControlServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
