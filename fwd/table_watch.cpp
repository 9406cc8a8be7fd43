// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/table_watch.hpp"

#include <cerrno>
#include <random>
#include <span>

#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "fwd/clock.hpp"

namespace doorward {
namespace {

constexpr int receive_bytes = 8 << 20;          // a ruleset of some ten thousand rules at once
constexpr std::uint64_t least_pause_us = 100'000;
constexpr int datagrams_at_once = 4096;

std::uint64_t now_us() { return monotonic_ns() / 1000; }

std::string random_name() {
    std::random_device random;
    return fmt::format("doorward-watch-{:08x}{:08x}", random(), random());
}

}  // namespace

Result<std::unique_ptr<TableWatch>> TableWatch::start(sd_event* event, const NftTable& table, Touched touched) {
    std::unique_ptr<TableWatch> self(new TableWatch(std::move(touched)));
    if (auto listening = self->listen(event); !listening) return std::unexpected(listening.error());
    if (auto learned = self->learn_own_thread(table); !learned) return std::unexpected(learned.error());
    return self;
}

Result<void> TableWatch::listen(sd_event* event) {
    socket_ = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
    if (!socket_) return sys_fail("open a netlink socket for changes of nftables");
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes);
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = 1u << (NFNLGRP_NFTABLES - 1);
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own))
        return sys_fail("listen for changes of nftables", errno, "doorward needs CAP_NET_ADMIN");
    sd_event_source* source = nullptr;
    if (const int error = sd_event_add_io(event, &source, socket_.get(), EPOLLIN, on_news, this); error < 0)
        return sys_fail("watch nftables", -error);
    source_.reset(source);
    sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
    if (const int error = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, 0, 1, on_timer, this);
        error < 0)
        return sys_fail("watch nftables", -error);
    timer_.reset(source);
    sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return {};
}

// The kernel tells who made a change by the number in the first PID namespace, which need not be ours: so
// we make one that nobody else would.
Result<void> TableWatch::learn_own_thread(const NftTable& table) {
    const std::string name = random_name();
    if (auto tried = table.touch_other(name); !tried) return tried;
    TableNews probe(name);
    std::vector<TableCommit> seen;
    take_news([&](std::span<const std::uint8_t> datagram) {
        probe.take(datagram, [this](const TableCommit& commit) { own_thread_ = commit.thread; });
        news_.take(datagram, [&seen](const TableCommit& commit) { seen.push_back(commit); });
    });
    if (own_thread_ == 0) return fail("the kernel does not tell of changes of nftables");
    for (const TableCommit& commit : seen) note(commit);
    act_in(0);
    return {};
}

void TableWatch::note(const TableCommit& commit) {
    if (commit.thread != own_thread_) open_ = commit;
}

// False: some are lost.
bool TableWatch::take_news(const std::function<void(std::span<const std::uint8_t>)>& take) {
    bool whole = true;
    for (int datagrams = 0; datagrams < datagrams_at_once; ++datagrams) {
        sockaddr_nl from{};
        socklen_t size = sizeof from;
        const ssize_t length = ::recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                          reinterpret_cast<sockaddr*>(&from), &size);
        if (length < 0 && errno == ENOBUFS) whole = false;
        else if (length < 0 && errno != EINTR) break;
        if (length > 0 && from.nl_pid == 0)  // other programs can write to our port too
            take(std::span(buffer_).first(static_cast<std::size_t>(length)));
    }
    return whole;
}

void TableWatch::act_in(std::uint64_t us) {
    if (!open_) return;
    sd_event_source_set_time_relative(timer_.get(), us);
    sd_event_source_set_enabled(timer_.get(), SD_EVENT_ONESHOT);
}

void TableWatch::act() {
    if (!open_) return;
    const std::uint64_t now = now_us();
    if (acted_us_ != 0 && now < acted_us_ + least_pause_us) return act_in(acted_us_ + least_pause_us - now);
    if (touched_(*open_)) open_.reset();
    acted_us_ = now_us();
    act_in(least_pause_us);
}

int TableWatch::on_news(sd_event_source*, int, std::uint32_t, void* data) {
    auto* self = static_cast<TableWatch*>(data);
    const bool whole = self->take_news([self](std::span<const std::uint8_t> datagram) {
        self->news_.take(datagram, [self](const TableCommit& commit) { self->note(commit); });
    });
    // Nobody knows what was among them.
    if (!whole && !self->open_) self->open_.emplace();
    self->act();
    return 0;
}

int TableWatch::on_timer(sd_event_source*, std::uint64_t, void* data) {
    static_cast<TableWatch*>(data)->act();
    return 0;
}

}  // namespace doorward
