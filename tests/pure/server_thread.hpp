// SPDX-License-Identifier: GPL-2.0-or-later
// A ControlServer with its event loop on a thread of its own.
#pragma once

#include <future>
#include <stdexcept>
#include <thread>

#include <sys/eventfd.h>
#include <unistd.h>

#include "fwd/control_methods.hpp"
#include "fwd/control_server.hpp"
#include "fwd/handle.hpp"

namespace doorward {

class ServerThread {
public:
    ServerThread(ControlServerOptions options, ControlServer::Handler handler)
        : stop_(::eventfd(0, EFD_CLOEXEC)) {
        std::promise<std::string> started;
        auto ready = started.get_future();
        thread_ = std::thread([this, options = std::move(options), handler = std::move(handler),
                               started = std::move(started)]() mutable {
            run(std::move(options), std::move(handler), std::move(started));
        });
        const std::string error = ready.get();
        if (error.empty()) return;
        thread_.join();
        throw std::runtime_error(error);
    }
    ~ServerThread() {
        const std::uint64_t one = 1;
        if (::write(stop_.get(), &one, sizeof one) == sizeof one) thread_.join();
        else std::terminate();
    }

private:
    void run(ControlServerOptions options, ControlServer::Handler handler,
             std::promise<std::string> started) {
        sd_event* raw = nullptr;
        if (sd_event_new(&raw) < 0) return started.set_value("cannot make an event loop");
        const CHandle<sd_event, sd_event_unref> event(raw);
        sd_event_add_io(
            raw, nullptr, stop_.get(), EPOLLIN,
            [](sd_event_source* source, int, std::uint32_t, void*) {
                return sd_event_exit(sd_event_source_get_event(source), 0);
            },
            nullptr);
        const auto server = ControlServer::open(raw, std::move(options), std::move(handler));
        started.set_value(server ? "" : server.error().text());
        if (server) sd_event_loop(raw);
    }

    Fd stop_;
    std::thread thread_;
};

}  // namespace doorward
