// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/network_reading.hpp"

#include <array>

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "fwd/netlink_bytes.hpp"

namespace doorward {
namespace {

// Calls `take(type, value)` for each attribute, up to the first that can't be right.
template <class Take>
void each_attribute(Bytes rest, const Take& take) {
    while (!rest.empty()) {
        const auto header = read_as<rtattr>(rest);
        if (!header || header->rta_len < sizeof(rtattr) || header->rta_len > rest.size()) return;
        take(header->rta_type & NLA_TYPE_MASK,
             rest.subspan(sizeof(rtattr), header->rta_len - sizeof(rtattr)));
        rest = after(rest, netlink_aligned(header->rta_len));
    }
}

std::optional<Address> address_of(int family, Bytes value) {
    if (family == AF_INET && value.size() == 4) return Address::v4(value.first<4>());
    if (family == AF_INET6 && value.size() == 16) return Address::v6(value.first<16>());
    return std::nullopt;
}

std::optional<Prefix> network_of(int family, const Address& address, unsigned length) {
    if (length > (family == AF_INET ? 32u : 128u)) return std::nullopt;
    if (family == AF_INET) length += 96;
    return Prefix::around(address, static_cast<std::uint8_t>(length));
}

struct NextHop {
    std::uint32_t index = 0;
    std::optional<Address> gateway;
};

// An attribute of a route or of one of its ways.
void take_hop(int type, Bytes value, int family, NextHop& hop) {
    if (type == RTA_GATEWAY) hop.gateway = address_of(family, value);
    if (type == RTA_OIF) hop.index = read_as<std::uint32_t>(value).value_or(0);
    if (type != RTA_VIA) return;  // an address of the other family
    if (const auto other = read_as<std::uint16_t>(value)) hop.gateway = address_of(*other, after(value, 2));
}

void take_hops(Bytes rest, int family, std::vector<NextHop>& hops) {
    while (!rest.empty()) {
        const auto header = read_as<rtnexthop>(rest);
        if (!header || header->rtnh_len < sizeof(rtnexthop) || header->rtnh_len > rest.size()) return;
        NextHop hop{static_cast<std::uint32_t>(header->rtnh_ifindex), {}};
        each_attribute(rest.subspan(sizeof(rtnexthop), header->rtnh_len - sizeof(rtnexthop)),
                       [&](int type, Bytes value) { take_hop(type, value, family, hop); });
        if ((header->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0) hops.push_back(hop);
        rest = after(rest, netlink_aligned(header->rtnh_len));
    }
}

// The ways of a default route of the main table; nothing: it is another route.
std::optional<std::vector<NextHop>> default_route(Bytes body) {
    const auto route = read_as<rtmsg>(body);
    if (!route || route->rtm_dst_len != 0 || route->rtm_src_len != 0 || route->rtm_type != RTN_UNICAST ||
        (route->rtm_flags & RTM_F_CLONED) != 0 ||
        (route->rtm_family != AF_INET && route->rtm_family != AF_INET6))
        return std::nullopt;
    std::uint32_t table = route->rtm_table;
    NextHop own;
    std::vector<NextHop> hops;
    each_attribute(after(body, netlink_aligned(sizeof(rtmsg))), [&](int type, Bytes value) {
        if (type == RTA_TABLE) table = read_as<std::uint32_t>(value).value_or(0);
        if (type == RTA_MULTIPATH) take_hops(value, route->rtm_family, hops);
        take_hop(type, value, route->rtm_family, own);
    });
    if (table != RT_TABLE_MAIN) return std::nullopt;
    if ((route->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0) hops.push_back(own);
    std::erase_if(hops, [](const NextHop& hop) { return !hop.gateway || hop.index == 0; });
    return hops;
}

struct Neighbour {
    std::uint32_t index = 0;
    std::optional<Address> address;
    std::string mac;
};

Neighbour neighbour_of(Bytes body) {
    Neighbour neighbour;
    const auto header = read_as<ndmsg>(body);
    if (!header) return neighbour;
    neighbour.index = static_cast<std::uint32_t>(header->ndm_ifindex);
    each_attribute(after(body, netlink_aligned(sizeof(ndmsg))), [&](int type, Bytes value) {
        if (type == NDA_DST) neighbour.address = address_of(header->ndm_family, value);
        if (type == NDA_LLADDR && value.size() == 6)
            neighbour.mac = fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", value[0], value[1],
                                        value[2], value[3], value[4], value[5]);
    });
    // What it was before it failed to answer is not what it is.
    if ((header->ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0) neighbour.mac.clear();
    return neighbour;
}

template <class T>
void sort_once(std::vector<T>& items, const auto& key) {
    std::ranges::sort(items, {}, key);
    const auto rest = std::ranges::unique(items);
    items.erase(rest.begin(), rest.end());
}

}  // namespace

std::optional<RouteMessage> next_route_message(Bytes& datagram) {
    if (datagram.empty()) return std::nullopt;
    const auto header = read_as<nlmsghdr>(datagram);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) {
        datagram = {};
        return RouteMessage{};
    }
    const RouteMessage message{header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq,
                               datagram.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr))};
    datagram = after(datagram, netlink_aligned(header->nlmsg_len));
    return message;
}

int refusal_in(Bytes body) {
    const auto error = read_as<std::int32_t>(body);
    if (!error || *error > 0 || *error < -4095) return EBADMSG;
    return -*error;
}

void NetworkReading::take(const RouteMessage& message) {
    if (message.type == RTM_NEWLINK) take_link(message.body);
    if (message.type == RTM_NEWADDR) take_address(message.body);
    if (message.type == RTM_NEWNEIGH) take_neighbour(message.body);
    if (message.type != RTM_NEWROUTE) return;
    const auto hops = default_route(message.body);
    if (!hops) return;
    for (const NextHop& hop : *hops) {
        Way way{hop.index, *hop.gateway, {}};
        if (std::ranges::find(ways_, way) != ways_.end()) continue;
        if (ways_.size() < limits_.gateways) ways_.push_back(std::move(way));
        else left_out_++;
    }
}

void NetworkReading::take_link(Bytes body) {
    const auto header = read_as<ifinfomsg>(body);
    if (!header || header->ifi_family != AF_UNSPEC || header->ifi_index <= 0) return;
    const auto index = static_cast<std::uint32_t>(header->ifi_index);
    std::string name;
    each_attribute(after(body, netlink_aligned(sizeof(ifinfomsg))), [&](int type, Bytes value) {
        if (type != IFLA_IFNAME || value.empty() || value.size() > IF_NAMESIZE) return;
        name.assign(reinterpret_cast<const char*>(value.data()), value.size());
        name.resize(name.find('\0') == std::string::npos ? name.size() : name.find('\0'));
    });
    if (name.empty() || link(index)) return;
    if (links_.size() >= limits_.links) {
        left_out_++;
        return;
    }
    const bool up = (header->ifi_flags & IFF_UP) != 0 && (header->ifi_flags & IFF_RUNNING) != 0;
    links_.push_back({index, std::move(name), up, (header->ifi_flags & IFF_LOOPBACK) != 0});
}

// IFA_ADDRESS is the other end's where there is one, and only then differs from IFA_LOCAL.
void NetworkReading::take_address(Bytes body) {
    const auto header = read_as<ifaddrmsg>(body);
    if (!header) return;
    std::optional<Address> own, other;
    each_attribute(after(body, netlink_aligned(sizeof(ifaddrmsg))), [&](int type, Bytes value) {
        if (type == IFA_LOCAL) own = address_of(header->ifa_family, value);
        if (type == IFA_ADDRESS) other = address_of(header->ifa_family, value);
    });
    if (!own) own = other;
    if (!own) return;
    const auto network = network_of(header->ifa_family, other.value_or(*own), header->ifa_prefixlen);
    if (!network) return;
    if (addresses_.size() < limits_.addresses) addresses_.push_back({header->ifa_index, *own, *network});
    else left_out_++;
}

void NetworkReading::take_neighbour(Bytes body) {
    const Neighbour neighbour = neighbour_of(body);
    for (Way& way : ways_)
        if (neighbour.address == way.gateway && neighbour.index == way.index) way.mac = neighbour.mac;
}

const NetworkReading::Link* NetworkReading::link(std::uint32_t index) const {
    const auto found = std::ranges::find(links_, index, &Link::index);
    return found == links_.end() ? nullptr : &*found;
}

NetworkState NetworkReading::state() const {
    NetworkState state;
    state.left_out = left_out_;
    Network& network = state.network;
    for (const Link& each : links_) {
        state.names.emplace_back(each.index, each.name);
        if (each.up) network.interfaces.push_back(each.name);
    }
    for (const OwnAddress& each : addresses_) {
        network.self.push_back(each.address);
        const Link* of = link(each.index);
        if (of && of->up && !of->loopback) network.lan.push_back(each.network);
    }
    for (const Way& way : ways_)
        if (const Link* of = link(way.index); of && of->up)
            network.gateways.push_back({way.gateway, way.mac, of->name});
    sort_once(state.names, std::identity());
    sort_once(network.interfaces, std::identity());
    sort_once(network.self, std::identity());
    sort_once(network.lan, std::identity());
    sort_once(network.gateways, [](const Gateway& each) { return std::tie(each.address, each.interface); });
    return state;
}

bool concerns(const RouteMessage& news, const NetworkState& state) {
    switch (news.type) {
    case RTM_NEWLINK: case RTM_DELLINK: case RTM_NEWADDR: case RTM_DELADDR:
        return true;
    case RTM_NEWROUTE: case RTM_DELROUTE:
        return default_route(news.body).has_value();
    case RTM_NEWNEIGH: case RTM_DELNEIGH: {
        const Neighbour neighbour = neighbour_of(news.body);
        const bool gone = news.type == RTM_DELNEIGH;
        return std::ranges::any_of(state.network.gateways, [&](const Gateway& each) {
            return neighbour.address == each.address &&
                   state.interface_name(neighbour.index) == each.interface &&
                   each.mac != (gone ? std::string() : neighbour.mac);
        });
    }
    default:
        return news.type == 0;  // lost or cut short: who knows
    }
}

}  // namespace doorward
