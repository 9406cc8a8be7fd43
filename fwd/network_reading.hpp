// SPDX-License-Identifier: GPL-2.0-or-later
// rtnetlink messages → what they say about this host's network. Pure: bytes in, values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fwd/network_state.hpp"

namespace doorward {

struct RouteMessage {
    std::uint16_t type = 0;      // RTM_…, NLMSG_…; 0: could not be read
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::span<const std::uint8_t> body;  // points into the datagram
};

// Takes the first message off `datagram`. One that is cut short has the type 0, and nothing is left
// of the datagram then. Nothing: there is none left.
std::optional<RouteMessage> next_route_message(std::span<const std::uint8_t>& datagram);

// The errno that an NLMSG_ERROR speaks of; 0: an acknowledgement.
int refusal_in(std::span<const std::uint8_t> body);

// Collects the messages of dumps: links, addresses and routes in any order, then neighbours.
class NetworkReading {
public:
    struct Limits {
        std::size_t links = 1024;
        std::size_t addresses = 1024;
        std::size_t gateways = 32;
    };

    NetworkReading() = default;
    explicit NetworkReading(Limits limits) : limits_(limits) {}

    // Messages that can't be read, or are about something else, say nothing.
    void take(const RouteMessage& message);

    // Without name servers and domains, of which the kernel does not know. Lists are sorted, and
    // have no item twice.
    NetworkState state() const;

private:
    struct Link {
        std::uint32_t index;
        std::string name;
        bool up, loopback;
    };
    struct OwnAddress {
        std::uint32_t index;
        Address address;
        Prefix network;
    };
    struct Way {
        std::uint32_t index;
        Address gateway;
        std::string mac;
        bool operator==(const Way&) const = default;
    };

    void take_link(std::span<const std::uint8_t> body);
    void take_address(std::span<const std::uint8_t> body);
    void take_neighbour(std::span<const std::uint8_t> body);
    const Link* link(std::uint32_t index) const;

    Limits limits_;
    std::vector<Link> links_;
    std::vector<OwnAddress> addresses_;
    std::vector<Way> ways_;
    std::uint64_t left_out_ = 0;
};

// Whether news from the kernel may make `state` untrue. Of routes only the default ones may, of
// neighbours only gateways: there can be very many others.
bool concerns(const RouteMessage& news, const NetworkState& state);

}  // namespace doorward
