// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/network_watch.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "fwd/clock.hpp"

namespace doorward {
namespace {

constexpr std::uint64_t first_pause_us = 20'000;    // news seldom come alone
constexpr std::uint64_t least_pause_us = 200'000;   // from one reading to the next
constexpr std::uint64_t retry_us = 1'000'000;
constexpr std::uint64_t between_asking_us = 10'000'000;
constexpr std::uint64_t rest_per_work = 20;         // a router's tables take long to read
constexpr int answer_timeout_ms = 2'000;
constexpr int most_datagrams = 100'000;             // of one dump
constexpr int news_at_once = 256;
constexpr int attempts = 3;

std::uint64_t now_us() { return monotonic_ns() / 1000; }

Result<Fd> open_socket(std::uint32_t groups) {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!socket) return sys_fail("open a netlink socket for the network's facts");
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = groups;
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own))
        return sys_fail("bind a netlink socket for the network's facts");
    return socket;
}

// From the kernel, or nothing: other programs can write to our port too. Returns the length, or
// minus an errno.
ssize_t receive(int socket, std::vector<std::uint8_t>& buffer) {
    sockaddr_nl from{};
    socklen_t size = sizeof from;
    const ssize_t length = ::recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                                      reinterpret_cast<sockaddr*>(&from), &size);
    if (length < 0) return -errno;
    if (from.nl_pid != 0) return 0;
    // Longer than the buffer: what is missing makes its last message unreadable.
    return std::min(length, static_cast<ssize_t>(buffer.size()));
}

struct DumpRequest {
    nlmsghdr header;
    rtgenmsg generic;
};

// "ip neigh add ADDRESS dev INTERFACE use": the kernel finds out the neighbour's address.
struct UseRequest {
    nlmsghdr header;
    ndmsg neighbour;
    rtattr attribute;
    std::array<std::uint8_t, 16> address;
};

std::size_t use_request(const Address& address, std::uint32_t index, UseRequest& request) {
    const std::size_t length = address.is_v4() ? 4 : 16;
    request.neighbour.ndm_family = address.is_v4() ? AF_INET : AF_INET6;
    request.neighbour.ndm_ifindex = static_cast<int>(index);
    request.neighbour.ndm_flags = NTF_USE;
    request.attribute.rta_type = NDA_DST;
    request.attribute.rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + length);
    std::memcpy(request.address.data(), address.bytes.data() + 16 - length, length);
    const std::size_t size = offsetof(UseRequest, address) + length;
    request.header.nlmsg_len = static_cast<std::uint32_t>(size);
    request.header.nlmsg_type = RTM_NEWNEIGH;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
    return size;
}

}  // namespace

Result<std::unique_ptr<NetworkWatch>> NetworkWatch::start(sd_event* event, Changed changed) {
    std::unique_ptr<NetworkWatch> self(new NetworkWatch(std::move(changed)));
    if (auto listening = self->listen(event); !listening) return std::unexpected(listening.error());
    auto dumps = open_socket(0);
    if (!dumps) return std::unexpected(dumps.error());
    self->dumps_ = std::move(*dumps);
    auto state = self->read();
    if (!state) return std::unexpected(state.error());
    self->state_ = std::move(*state);
    self->ask_for_gateways();
    return self;
}

Result<void> NetworkWatch::listen(sd_event* event) {
    auto news = open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                            RTMGRP_IPV6_ROUTE | RTMGRP_NEIGH);
    if (!news) return std::unexpected(news.error());
    news_ = std::move(*news);
    sd_event_source* source = nullptr;
    if (const int error = sd_event_add_io(event, &source, news_.get(), EPOLLIN, on_news, this); error < 0)
        return sys_fail("watch the network", -error);
    news_source_.reset(source);
    if (const int error = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, 0, 0, on_timer, this);
        error < 0)
        return sys_fail("watch the network", -error);
    timer_.reset(source);
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return {};
}

// A dump that something changed under may lack what it should have: it is made again. What changes
// all the time is read as it comes, and once more with the news of the change.
Result<std::shared_ptr<const NetworkState>> NetworkWatch::read() {
    const std::uint64_t begun_us = now_us();
    NetworkReading reading;
    bool disturbed = true;
    for (int attempt = 0; disturbed && attempt < attempts; ++attempt) {
        disturbed = false;
        reading = NetworkReading();
        for (const int type : {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH})
            if (auto done = dump(type, reading, disturbed); !done) return std::unexpected(done.error());
    }
    readings_++;
    last_read_us_ = now_us();
    pause_us_ = std::max(least_pause_us, (last_read_us_ - begun_us) * rest_per_work);
    return std::make_shared<const NetworkState>(reading.state());
}

Result<void> NetworkWatch::dump(int type, NetworkReading& reading, bool& disturbed) {
    DumpRequest request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(rtgenmsg));
    request.header.nlmsg_type = static_cast<std::uint16_t>(type);
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.header.nlmsg_seq = ++sequence_;
    if (::send(dumps_.get(), &request, request.header.nlmsg_len, 0) < 0)
        return sys_fail("ask for the network's facts");
    for (int datagrams = 0; datagrams < most_datagrams; ++datagrams) {
        pollfd waiting{dumps_.get(), POLLIN, 0};
        if (::poll(&waiting, 1, answer_timeout_ms) == 0)
            return sys_fail("read the network's facts", ETIMEDOUT);
        const ssize_t length = receive(dumps_.get(), buffer_);
        if (length == -EAGAIN || length == -EINTR) continue;
        if (length < 0) return sys_fail("read the network's facts", static_cast<int>(-length));
        std::span<const std::uint8_t> rest(buffer_.data(), static_cast<std::size_t>(length));
        while (const auto message = next_route_message(rest)) {
            if (message->type == 0) return sys_fail("read the network's facts", EBADMSG);
            if (message->sequence != sequence_) continue;
            if ((message->flags & NLM_F_DUMP_INTR) != 0) disturbed = true;
            if (message->type == NLMSG_DONE) return {};
            if (message->type == NLMSG_ERROR)
                return sys_fail("read the network's facts", refusal_in(message->body));
            reading.take(*message);
        }
    }
    return sys_fail("read the network's facts", EOVERFLOW);
}

void NetworkWatch::read_again() {
    auto state = read();
    std::shared_ptr<const NetworkState> now;
    if (state) {
        now = std::move(*state);
        trouble_.reset();
    } else {
        trouble_ = state.error();
        // The rest of an answer that was given up must not be taken for the next one's.
        if (auto dumps = open_socket(0)) dumps_ = std::move(*dumps);
        wake_in(retry_us);
    }
    const bool same = now && state_ ? *now == *state_ : !now && !state_;
    state_ = std::move(now);
    if (!same) changed_(state_);
    ask_for_gateways();
}

// The kernel asks for a neighbour only when something is sent there, which may just be what a rule
// does not allow before the gateway is known.
void NetworkWatch::ask_for_gateways() {
    if (!state_) return;
    const auto& gateways = state_->network.gateways;
    if (now_us() >= asked_us_ + between_asking_us) {
        asked_.clear();
        asked_us_ = now_us();
    }
    std::erase_if(asked_, [&](const Gateway& each) {
        return std::ranges::find(gateways, each) == gateways.end();
    });
    for (const Gateway& gateway : gateways) {
        if (!gateway.mac.empty()) continue;
        wake_in(std::max(between_asking_us, pause_us_));
        if (std::ranges::find(asked_, gateway) != asked_.end()) continue;
        asked_.push_back(gateway);
        UseRequest request{};
        const std::size_t size = use_request(gateway.address, state_->index_of(gateway.interface), request);
        // Whatever comes of it: the news tell. A refusal has another sequence number than a dump.
        (void)::send(dumps_.get(), &request, size, 0);
    }
}

// Whether anything of it matters.
bool NetworkWatch::take_news() {
    bool matters = false;
    for (int datagrams = 0; datagrams < news_at_once; ++datagrams) {
        const ssize_t length = receive(news_.get(), buffer_);
        if (length == -EAGAIN) break;
        if (length == -ENOBUFS) matters = true;  // some are lost
        if (length <= 0) continue;
        std::span<const std::uint8_t> rest(buffer_.data(), static_cast<std::size_t>(length));
        while (const auto message = next_route_message(rest))
            matters = matters || !state_ || concerns(*message, *state_);
    }
    return matters;
}

void NetworkWatch::wake_in(std::uint64_t us) {
    const std::uint64_t at = now_us() + us;
    if (wake_us_ != 0 && wake_us_ <= at) return;
    wake_us_ = at;
    sd_event_source_set_time_relative(timer_.get(), us);
    sd_event_source_set_enabled(timer_.get(), SD_EVENT_ONESHOT);
}

int NetworkWatch::on_news(sd_event_source*, int, std::uint32_t, void* data) {
    auto* self = static_cast<NetworkWatch*>(data);
    if (!self->take_news()) return 0;
    const std::uint64_t earliest = self->last_read_us_ + self->pause_us_;
    const std::uint64_t now = now_us();
    self->wake_in(std::max(first_pause_us, earliest > now ? earliest - now : 0));
    return 0;
}

int NetworkWatch::on_timer(sd_event_source*, std::uint64_t, void* data) {
    auto* self = static_cast<NetworkWatch*>(data);
    self->wake_us_ = 0;
    self->read_again();
    return 0;
}

}  // namespace doorward
