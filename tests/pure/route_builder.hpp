// SPDX-License-Identifier: GPL-2.0-or-later
// rtnetlink messages as the kernel sends them.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "rules/address.hpp"

namespace doorward {

using RouteBytes = std::vector<std::uint8_t>;

class RouteMessageBuilder {
public:
    template <class Header>
    RouteMessageBuilder(std::uint16_t type, const Header& header) {
        append(nlmsghdr{0, type, 0, 7, 0});
        append(header);
    }
    RouteMessageBuilder& attribute(std::uint16_t type, const RouteBytes& value) {
        append(rtattr{static_cast<std::uint16_t>(sizeof(rtattr) + value.size()), type});
        for (const std::uint8_t byte : value) bytes_.push_back(byte);
        bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
        return *this;
    }
    RouteMessageBuilder& number(std::uint16_t type, std::uint32_t value) {
        RouteBytes bytes(4);
        std::memcpy(bytes.data(), &value, 4);
        return attribute(type, bytes);
    }
    RouteMessageBuilder& address(std::uint16_t type, const std::string& text) {
        const Address address = Address::parse(text).value();
        return attribute(type, {address.bytes.begin() + (address.is_v4() ? 12 : 0), address.bytes.end()});
    }
    RouteBytes bytes() const {
        RouteBytes out = bytes_;
        const auto length = static_cast<std::uint32_t>(out.size());
        std::memcpy(out.data(), &length, sizeof length);
        return out;
    }

private:
    template <class T>
    void append(const T& value) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + sizeof value);
        std::memcpy(bytes_.data() + at, &value, sizeof value);
    }

    RouteBytes bytes_;
};

inline constexpr unsigned link_up = IFF_UP | IFF_RUNNING;

inline RouteBytes link_message(int index, const std::string& name, unsigned flags = link_up,
                               std::uint16_t type = RTM_NEWLINK) {
    ifinfomsg header{};
    header.ifi_index = index;
    header.ifi_flags = flags;
    RouteBytes text(name.begin(), name.end());
    text.push_back(0);
    return RouteMessageBuilder(type, header).attribute(IFLA_IFNAME, text).bytes();
}

// `peer`: the other end's; empty: there is none.
inline RouteBytes address_message(int index, const std::string& own, unsigned length,
                                  const std::string& peer = {}) {
    const bool v4 = Address::parse(own)->is_v4();
    ifaddrmsg header{};
    header.ifa_family = v4 ? AF_INET : AF_INET6;
    header.ifa_prefixlen = static_cast<std::uint8_t>(length);
    header.ifa_index = static_cast<std::uint32_t>(index);
    RouteMessageBuilder message(RTM_NEWADDR, header);
    message.address(IFA_ADDRESS, peer.empty() ? own : peer);
    if (v4 || !peer.empty()) message.address(IFA_LOCAL, own);
    return message.bytes();
}

inline rtmsg default_route_header(int family) {
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(family);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_type = RTN_UNICAST;
    return header;
}

inline RouteBytes route_message(int index, const std::string& gateway,
                                std::uint16_t type = RTM_NEWROUTE) {
    const auto header = default_route_header(Address::parse(gateway)->is_v4() ? AF_INET : AF_INET6);
    return RouteMessageBuilder(type, header).number(RTA_TABLE, RT_TABLE_MAIN)
        .number(RTA_OIF, static_cast<std::uint32_t>(index)).address(RTA_GATEWAY, gateway).bytes();
}

inline RouteBytes neighbour_message(int index, const std::string& address, const RouteBytes& mac,
                                    std::uint16_t state = NUD_REACHABLE,
                                    std::uint16_t type = RTM_NEWNEIGH) {
    ndmsg header{};
    header.ndm_family = Address::parse(address)->is_v4() ? AF_INET : AF_INET6;
    header.ndm_ifindex = index;
    header.ndm_state = state;
    RouteMessageBuilder message(type, header);
    message.address(NDA_DST, address);
    if (!mac.empty()) message.attribute(NDA_LLADDR, mac);
    return message.bytes();
}

}  // namespace doorward
