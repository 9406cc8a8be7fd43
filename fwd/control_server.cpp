// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_server.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fwd/call_allowance.hpp"
#include "fwd/control_connection.hpp"
#include "fwd/control_places.hpp"
#include "fwd/handle.hpp"
#include "fwd/unix_listener.hpp"

namespace doorward {
namespace {

using Source = CHandle<sd_event_source, sd_event_source_disable_unref>;

constexpr std::uint64_t sweep_interval_us = 1'000'000;

Reply too_many(const std::string& message) {
    return {.error = fmt::format("{}.TooManyClients", control_interface_name),
            .parameters = {{"message", message}}};
}

}  // namespace

struct ControlServer::Impl {
    // At an address that stays: the event loop's callbacks point to it.
    struct Client {
        Impl& server;
        ControlConnection connection;
        Source source;
        bool paused = false;  // until the next sweep
    };

    Impl(sd_event* loop, ControlServerOptions chosen, UnixListener socket, Handler handle)
        : event(loop), options(std::move(chosen)), listener(std::move(socket)),
          handler(std::move(handle)) {}

    Result<void> start();
    void accept_one();
    void admit(Fd fd);
    std::optional<std::string> refusal(const Peer& peer, Access access);
    bool make_room(const Peer& peer, Access access);
    void watch(std::unique_ptr<Client> client);
    void serve(Client& client, std::uint32_t events);
    void sweep();

    static int on_connect(sd_event_source*, int, std::uint32_t, void* self);
    static int on_client(sd_event_source*, int, std::uint32_t events, void* client);
    static int on_sweep(sd_event_source*, std::uint64_t, void* self);

    sd_event* event;
    ControlServerOptions options;
    UnixListener listener;
    Handler handler;
    Source accept_source;
    Source sweep_source;
    CallAllowance allowance{options.limits.calls_per_second};
    std::map<int, std::unique_ptr<Client>> clients;  // by file descriptor
};

Result<void> ControlServer::Impl::start() {
    sd_event_source* source = nullptr;
    int error = sd_event_add_io(event, &source, listener.fd(), EPOLLIN, on_connect, this);
    if (error < 0) return sys_fail("watch the control socket", -error);
    accept_source.reset(source);
    error = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, sweep_interval_us, 0,
                                       on_sweep, this);
    if (error < 0) return sys_fail("set a timer for the control socket", -error);
    sweep_source.reset(source);
    // Runs only while there is somebody to look after.
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return {};
}

void ControlServer::Impl::accept_one() {
    Fd fd(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) return admit(std::move(fd));
    if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) return;
    // The connection stays in the backlog: without a pause the loop would spin on it.
    sd_event_source_set_enabled(accept_source.get(), SD_EVENT_OFF);
    sd_event_source_set_time_relative(sweep_source.get(), sweep_interval_us);
    sd_event_source_set_enabled(sweep_source.get(), SD_EVENT_ONESHOT);
}

void ControlServer::Impl::admit(Fd fd) {
    auto peer = peer_of(fd.get());
    if (!peer) return;  // without credentials there is nobody to answer to
    const Access access = access_of(*peer, options.groups);
    const auto reason = refusal(*peer, access);
    auto client = std::make_unique<Client>(Client{
        *this, ControlConnection(std::move(fd), std::move(*peer), access, options.limits), {}, false});
    if (reason) return client->connection.send_last(too_many(*reason));
    watch(std::move(client));
}

std::optional<std::string> ControlServer::Impl::refusal(const Peer& peer, Access access) {
    const ControlLimits& limits = options.limits;
    if (!allowance.take(peer.uid, ControlConnection::Clock::now()))
        return fmt::format("user {} asks too often", peer.uid);
    if (clients.size() >= limits.clients)
        return fmt::format("{} clients are connected already", clients.size());
    if (peer.uid == 0) return std::nullopt;
    const auto same_user = [&](const auto& entry) {
        return entry.second->connection.peer().uid == peer.uid;
    };
    if (static_cast<std::size_t>(std::ranges::count_if(clients, same_user)) >= limits.clients_per_uid)
        return fmt::format("user {} has {} connections already", peer.uid, limits.clients_per_uid);
    if (clients.size() + limits.root_reserve >= limits.clients && !make_room(peer, access))
        return fmt::format("{} clients are connected already", clients.size());
    return std::nullopt;
}

bool ControlServer::Impl::make_room(const Peer& peer, Access access) {
    std::vector<ControlPlace> taken;
    for (const auto& [fd, client] : clients)
        taken.push_back({client->connection.peer().uid, client->connection.access()});
    const auto place = to_displace(taken, {peer.uid, access});
    if (!place) return false;
    clients.erase(std::next(clients.begin(), static_cast<std::ptrdiff_t>(*place)));
    return true;
}

void ControlServer::Impl::watch(std::unique_ptr<Client> client) {
    const int fd = client->connection.fd();
    sd_event_source* source = nullptr;
    if (sd_event_add_io(event, &source, fd, EPOLLIN, on_client, client.get()) < 0) return;
    client->source.reset(source);
    if (clients.empty()) {
        sd_event_source_set_time_relative(sweep_source.get(), sweep_interval_us);
        sd_event_source_set_enabled(sweep_source.get(), SD_EVENT_ONESHOT);
    }
    clients.emplace(fd, std::move(client));
}

void ControlServer::Impl::serve(Client& client, std::uint32_t events) {
    const int fd = client.connection.fd();
    const auto now = ControlConnection::Clock::now();
    if (client.connection.is_asked(events) && !allowance.take(client.connection.peer().uid, now)) {
        client.paused = sd_event_source_set_enabled(client.source.get(), SD_EVENT_OFF) >= 0;
        return;
    }
    bool keep = false;
    try {
        keep = client.connection.serve(events, handler, now);
    } catch (const std::exception&) {
        // Out of memory for this client's message: it goes, the daemon stays.
    }
    if (keep) keep = sd_event_source_set_io_events(client.source.get(),
                                                   client.connection.wanted()) >= 0;
    if (!keep) clients.erase(fd);
}

void ControlServer::Impl::sweep() {
    const auto now = ControlConnection::Clock::now();
    std::erase_if(clients,
                  [&](const auto& entry) { return entry.second->connection.expired(now); });
    for (const auto& [fd, client] : clients)
        if (std::exchange(client->paused, false))
            sd_event_source_set_enabled(client->source.get(), SD_EVENT_ON);
    sd_event_source_set_enabled(accept_source.get(), SD_EVENT_ON);
    if (clients.empty()) return;
    sd_event_source_set_time_relative(sweep_source.get(), sweep_interval_us);
    sd_event_source_set_enabled(sweep_source.get(), SD_EVENT_ONESHOT);
}

int ControlServer::Impl::on_connect(sd_event_source*, int, std::uint32_t, void* self) {
    try {
        static_cast<Impl*>(self)->accept_one();
    } catch (const std::exception&) {
        // Out of memory: this connection is lost, the next may work.
    }
    return 0;
}

int ControlServer::Impl::on_client(sd_event_source*, int, std::uint32_t events, void* client) {
    auto* served = static_cast<Client*>(client);
    served->server.serve(*served, events);
    return 0;
}

int ControlServer::Impl::on_sweep(sd_event_source*, std::uint64_t, void* self) {
    static_cast<Impl*>(self)->sweep();
    return 0;
}

Result<ControlServer> ControlServer::open(sd_event* event, ControlServerOptions options,
                                          Handler handler) {
    auto listener = UnixListener::open(options.path);
    if (!listener) return std::unexpected(listener.error());
    auto impl = std::make_unique<Impl>(event, std::move(options), std::move(*listener),
                                       std::move(handler));
    if (auto started = impl->start(); !started) return std::unexpected(started.error());
    return ControlServer(std::move(impl));
}

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::ControlServer(ControlServer&&) noexcept = default;
ControlServer& ControlServer::operator=(ControlServer&&) noexcept = default;
ControlServer::~ControlServer() = default;

std::size_t ControlServer::clients() const { return impl_->clients.size(); }

}  // namespace doorward
