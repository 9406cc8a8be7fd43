// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a datagram of rtnetlink.
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "fwd/network_reading.hpp"

using namespace doorward;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr NetworkReading::Limits limits{.links = 4, .addresses = 4, .gateways = 2};
    NetworkReading reading(limits);
    std::span<const std::uint8_t> rest(data, size);
    std::size_t messages = 0;
    while (const auto message = next_route_message(rest)) {
        require(++messages <= size / 16 + 1);
        reading.take(*message);
        const int refusal = refusal_in(message->body);
        require(refusal >= 0 && refusal <= 4095);
        (void)concerns(*message, reading.state());
    }
    require(rest.empty());
    const NetworkState state = reading.state();
    require(state.names.size() <= limits.links && state.network.self.size() <= limits.addresses);
    require(state.network.gateways.size() <= limits.gateways);
    for (const auto& [index, name] : state.names) {
        require(index != 0 && !name.empty() && name.size() <= 16);
        require(state.interface_name(index) == name);
    }
    for (const Prefix& prefix : state.network.lan) {
        require(Prefix::parse(prefix.to_string()) == prefix);
        require(prefix.contains(prefix.base));
    }
    for (const Gateway& gateway : state.network.gateways)
        require(gateway.mac.empty() || gateway.mac.size() == 17);
    return 0;
}
