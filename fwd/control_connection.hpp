// SPDX-License-Identifier: GPL-2.0-or-later
// One client of the control socket: bytes in, calls handled, bytes out. Knows no event loop.
#pragma once

#include <chrono>
#include <string>

#include "fwd/control_server.hpp"
#include "fwd/handle.hpp"

namespace doorward {

class ControlConnection {
public:
    using Clock = std::chrono::steady_clock;

    ControlConnection(Fd fd, Peer peer, Access access, const ControlLimits& limits);

    int fd() const { return fd_.get(); }
    const Peer& peer() const { return peer_; }
    Access access() const { return access_; }

    // The events to wait for, as EPOLL bits. Never both directions: a client that doesn't read its
    // reply is not read from, so at most one reply is held.
    std::uint32_t wanted() const;

    // Whether serve() will read or answer, rather than go on sending what is answered.
    bool is_asked(std::uint32_t events) const;

    // Does what can be done now without waiting. False: close the connection.
    bool serve(std::uint32_t events, const ControlServer::Handler& handler, Clock::time_point now);

    bool expired(Clock::time_point now) const { return now >= deadline_; }

    // Sends a reply that no call asked for, as far as it fits, before the connection is closed.
    void send_last(const Reply& reply);

private:
    bool receive();
    bool answer_one(const ControlServer::Handler& handler);
    bool flush();
    void reply_and_close(std::string_view error, const std::string& message);
    bool in_call() const { return !input_.empty() && !input_.has_message(); }
    void set_deadline(Clock::time_point now);

    Fd fd_;
    Peer peer_;
    Access access_;
    ControlLimits limits_;
    MessageSplitter input_;
    std::string output_;
    std::size_t sent_ = 0;
    bool closing_ = false;  // close when the output is sent
    Clock::time_point deadline_;
};

}  // namespace doorward
