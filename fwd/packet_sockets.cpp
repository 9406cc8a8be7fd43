// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/packet_sockets.hpp"

#include <array>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "fwd/audit_log.hpp"
#include "fwd/decided.hpp"
#include "fwd/tc_egress.hpp"

namespace doorward {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds between_rows{60};  // of frames alike; the first row comes at once
constexpr int rows_at_once = 64;
constexpr std::size_t most_groups = 4096;
constexpr std::size_t process_cache = 256;

std::vector<std::uint32_t> all_devices() {
    std::vector<std::uint32_t> devices;
    const CHandle<struct if_nameindex, ::if_freenameindex> list(::if_nameindex());
    for (const auto* each = list.get(); each && each->if_index != 0; each++)
        devices.push_back(each->if_index);
    return devices;
}

std::string device_name(std::uint32_t device) {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(device, name.data()) ? name.data() : fmt::format("#{}", device);
}

std::string reason_of(std::uint32_t device, std::uint32_t ethertype) {
    if (device == 0) return fmt::format("{}-bypass", packet_socket);
    return fmt::format("{} {} {:#06x}", packet_socket, device_name(device), ethertype);
}

}  // namespace

struct PacketSockets::Group {
    dw_binding sender{};
    std::uint64_t passed = 0;  // and so on: not in a row yet
    std::uint64_t refused = 0;
    Clock::time_point next_row{};
};

PacketSockets::PacketSockets(const Config& config, Probes& probes, Sink sink)
    : policy_(config.packet_sockets),
      probes_(probes),
      sink_(std::move(sink)),
      processes_(ProcessTable::of_maps(probes.processes_fd(), probes.programs_fd(), process_cache)) {
    set_mode(config.mode);
}

Result<std::unique_ptr<PacketSockets>> PacketSockets::start(const Config& config, Probes& probes,
                                                            Sink sink) {
    std::unique_ptr<PacketSockets> self(new PacketSockets(config, probes, std::move(sink)));
    if (config.packet_sockets == PacketSocketPolicy::allow) {
        for (const std::uint32_t device : all_devices()) (void)detach_tc_egress(device);
    } else if (auto opened = self->open(); !opened) {
        return std::unexpected(opened.error());
    }
    return self;
}

// Told of devices first, so that none slips in between.
Result<void> PacketSockets::open() {
    links_ = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!links_) return sys_fail("open a netlink socket for devices");
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = RTMGRP_LINK;
    if (::bind(links_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)))
        return sys_fail("listen for new devices");
    watch_all();
    return {};
}

PacketSockets::~PacketSockets() {
    if (left_) return;
    for (const auto& [device, trouble] : devices_) (void)detach_tc_egress(device);
    take_counts();
    write_rows(true);
}

void PacketSockets::set_mode(Mode mode) {
    probes_.refuse_packet_sockets(policy_ == PacketSocketPolicy::refuse && mode == Mode::enforce);
}

int PacketSockets::devices_fd() const { return links_.get(); }

void PacketSockets::watch(std::uint32_t device) {
    const auto attached = attach_tc_egress(device, probes_.packet_socket_program());
    devices_[device] = attached ? "" : attached.error().what;
}

bool PacketSockets::watched(std::uint32_t device) const {
    const auto known = devices_.find(device);
    return known != devices_.end() && known->second.empty();
}

void PacketSockets::watch_all() {
    for (const std::uint32_t device : all_devices()) watch(device);
}

void PacketSockets::follow_devices() {
    alignas(nlmsghdr) std::array<char, 32768> buffer{};
    for (int reads = 0; reads < 64; reads++) {  // what is left makes the descriptor readable again
        const auto length = ::recv(links_.get(), buffer.data(), buffer.size(), 0);
        if (length < 0 && errno == ENOBUFS) {  // some news are lost
            devices_.clear();
            watch_all();
            continue;
        }
        if (length <= 0) return;
        int left = static_cast<int>(length);
        for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
            const auto device = static_cast<std::uint32_t>(link->ifi_index);
            // AF_BRIDGE: news of a bridge's port, which exists as a device without it.
            if (link->ifi_family != AF_UNSPEC) continue;
            if (message->nlmsg_type == RTM_DELLINK) devices_.erase(device);
            else if (message->nlmsg_type == RTM_NEWLINK && !watched(device)) watch(device);
        }
    }
}

void PacketSockets::collect() {
    if (policy_ == PacketSocketPolicy::allow) return;
    take_counts();
    write_rows(false);
}

void PacketSockets::take_counts() {
    const int map = probes_.packet_senders_fd();
    std::vector<dw_packet_sender_key> keys;
    dw_packet_sender_key key{};
    while (keys.size() < DW_PACKET_SENDERS &&
           bpf_map_get_next_key(map, keys.empty() ? nullptr : &keys.back(), &key) == 0)
        keys.push_back(key);
    for (const auto& each : keys) {
        dw_packet_sender sent{};
        if (bpf_map_lookup_and_delete_elem(map, &each, &sent)) continue;
        const GroupKey alike{each.who.start_ns, each.who.exec_id, each.who.pid, each.interface,
                             each.ethertype};
        if (groups_.size() >= most_groups && !groups_.contains(alike)) continue;  // stays unrecorded
        Group& group = groups_[alike];
        group.sender = sent.sender;
        group.passed += sent.passed;
        group.refused += sent.refused;
    }
}

void PacketSockets::write_rows(bool all) {
    const auto now = Clock::now();
    int rows = 0;
    for (auto at = groups_.begin(); at != groups_.end() && (all || rows < rows_at_once);) {
        auto& [key, group] = *at;
        if (!all && now < group.next_row) {
            ++at;
            continue;
        }
        if (group.passed + group.refused == 0) {  // silent since its last row
            at = groups_.erase(at);
            continue;
        }
        if (group.passed > 0) rows++, write_row(key, group, Action::accept, group.passed);
        if (group.refused > 0) rows++, write_row(key, group, Action::drop, group.refused);
        group.next_row = now + between_rows;
        ++at;
    }
}

void PacketSockets::write_row(const GroupKey& key, Group& group, Action verdict, std::uint64_t& count) {
    Decided decided;
    decided.time_us = AuditLog::wall_clock_us();
    decided.verdict = verdict;
    decided.decision = policy_ == PacketSocketPolicy::refuse ? Action::drop : Action::accept;
    if (key.pid == 0) {
        decided.flow.unknown = Unknown::no_binding;
    } else {
        NamedProcess named = processes_.name(group.sender);
        decided.process = std::move(named.process);
        decided.flow.unknown = named.unknown;
        decided.source = key.interface == 0 ? AttributionSource::cgroup : AttributionSource::tc;
    }
    AuditRecord record = record_of(decided);
    record.reason = reason_of(key.interface, key.ethertype);
    record.count = static_cast<std::int64_t>(count);
    recorded_ += std::exchange(count, 0);
    sink_(std::move(record));
}

PacketSocketStatus PacketSockets::status() const {
    const dw_packet_socket_counts counts = probes_.packet_socket_counts();
    PacketSocketStatus status{.policy = policy_, .passed = counts.passed, .refused = counts.refused};
    for (const auto& [device, trouble] : devices_) status.devices += trouble.empty();
    const std::uint64_t seen = counts.passed + counts.refused;
    status.unrecorded = seen > recorded_ ? seen - recorded_ : 0;
    return status;
}

std::vector<MissingFeature> PacketSockets::missing() const {
    std::vector<MissingFeature> missing;
    for (const auto& [device, trouble] : devices_)
        if (!trouble.empty())
            missing.push_back({fmt::format("tc egress on {} ({})", device_name(device), trouble),
                               "what packet sockets send there is neither recorded nor refused"});
    return missing;
}

}  // namespace doorward
