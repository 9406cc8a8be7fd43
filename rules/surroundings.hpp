// SPDX-License-Identifier: GPL-2.0-or-later
// What a decision looks at beside the flow: the time, and the networks that this host is in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/address.hpp"

namespace doorward {

struct Gateway {
    Address address;
    std::string mac;        // "aa:bb:cc:dd:ee:ff"; empty: not known (yet)
    std::string interface;

    bool operator==(const Gateway&) const = default;
};

// Facts that change when a cable is plugged in. Immutable where decisions look at it.
struct Network {
    std::vector<Prefix> lan;              // networks that interfaces other than loopback are attached to
    std::vector<Address> self;            // this host's own addresses
    std::vector<Address> dns;             // name servers that it is set up to ask
    std::vector<Gateway> gateways;        // of its default routes
    std::vector<std::string> interfaces;  // that are up
    std::vector<std::string> domains;     // search domains, lower case

    bool operator==(const Network&) const = default;
};

struct Surroundings {
    static constexpr std::uint16_t no_minute = 0xffff;

    // Implicit: what only the clock matters to may just say it.
    Surroundings(std::int64_t seconds, std::uint16_t minute = no_minute,
                 const Network* the_network = nullptr)
        : now(seconds), minute_of_week(minute), network(the_network) {}

    std::int64_t now;              // seconds since the epoch, UTC
    std::uint16_t minute_of_week;  // of the local clock, from Monday 00:00; no_minute: not known
    const Network* network;        // not owned; null: not known
};

}  // namespace doorward
