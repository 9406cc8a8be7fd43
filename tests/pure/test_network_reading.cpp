// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/network_reading.hpp"
#include "route_builder.hpp"

using namespace doorward;

namespace {

const RouteBytes mac{0x52, 0x54, 0x00, 0xab, 0xcd, 0xef};

RouteMessage only(const RouteBytes& bytes) {
    std::span<const std::uint8_t> rest(bytes);
    const auto message = next_route_message(rest);
    REQUIRE(message);
    CHECK(rest.empty());
    return *message;
}

NetworkState read(const std::vector<RouteBytes>& messages, NetworkReading::Limits limits = {}) {
    NetworkReading reading(limits);
    for (const RouteBytes& bytes : messages) reading.take(only(bytes));
    return reading.state();
}

std::vector<RouteBytes> office() {
    return {link_message(1, "lo", link_up | IFF_LOOPBACK), link_message(2, "eth0"),
            link_message(3, "wlan0", IFF_UP),
            address_message(1, "127.0.0.1", 8), address_message(2, "192.0.2.10", 24),
            address_message(2, "2001:db8::10", 64), address_message(3, "198.51.100.7", 24),
            route_message(2, "192.0.2.1"), neighbour_message(2, "192.0.2.1", mac)};
}

template <class T>
std::string text(const std::vector<T>& items) {
    std::string out;
    for (const T& item : items) out += item.to_string() + " ";
    return out;
}

}  // namespace

TEST_CASE("a network is read") {
    const NetworkState state = read(office());
    const Network& network = state.network;
    CHECK(network.interfaces == std::vector<std::string>{"eth0", "lo"});
    // Neither loopback nor what has no carrier is a way to others; its addresses are ours all the same.
    CHECK(text(network.lan) == "192.0.2.0/24 2001:db8::/64 ");
    CHECK(network.self.size() == 4);
    REQUIRE(network.gateways.size() == 1);
    CHECK(network.gateways[0] == Gateway{Address::parse("192.0.2.1").value(), "52:54:00:ab:cd:ef", "eth0"});
    CHECK(state.interface_name(2) == "eth0");
    CHECK(state.interface_name(3) == "wlan0");
    CHECK(state.interface_name(4) == "");
    CHECK(state.interface_name(0) == "");
    CHECK(state.index_of("wlan0") == 3);
    CHECK(state.index_of("wlan") == 0);
    CHECK(state.left_out == 0);
    CHECK(network.dns.empty());
    CHECK(network.domains.empty());
}

TEST_CASE("the order within a dump changes nothing, nor does an item that comes twice") {
    auto messages = office();
    std::swap(messages[0], messages[2]);
    std::swap(messages[4], messages[6]);
    messages.insert(messages.begin(), messages[3]);
    CHECK(read(messages) == read(office()));
}

TEST_CASE("of two ends, the other one is what the link leads to") {
    const auto state = read({link_message(5, "tun0"), address_message(5, "10.8.0.6", 32, "10.8.0.5")});
    CHECK(text(state.network.self) == "10.8.0.6 ");
    CHECK(text(state.network.lan) == "10.8.0.5 ");
}

TEST_CASE("prefixes of any length") {
    for (unsigned length : {0u, 1u, 17u, 31u, 32u}) {
        const auto state = read({link_message(2, "e"), address_message(2, "255.255.255.255", length)});
        REQUIRE(state.network.lan.size() == 1);
        CHECK(Prefix::parse(state.network.lan[0].to_string()) == state.network.lan[0]);
    }
    CHECK(read({link_message(2, "e"), address_message(2, "192.0.2.1", 33)}).network.lan.empty());
    CHECK(read({link_message(2, "e"), address_message(2, "2001:db8::1", 129)}).network.self.empty());
}

TEST_CASE("routes that are not the default one, or not in force, name no gateway") {
    const auto gateways = [](rtmsg header, std::uint32_t table = RT_TABLE_MAIN) {
        return read({link_message(2, "eth0"), RouteMessageBuilder(RTM_NEWROUTE, header)
                                                  .number(RTA_TABLE, table).number(RTA_OIF, 2)
                                                  .address(RTA_GATEWAY, "192.0.2.1").bytes()})
            .network.gateways.size();
    };
    rtmsg route = default_route_header(AF_INET);
    CHECK(gateways(route) == 1);
    CHECK(gateways(route, 100) == 0);
    rtmsg other = route;
    other.rtm_dst_len = 1;
    CHECK(gateways(other) == 0);
    other = route;
    other.rtm_type = RTN_BLACKHOLE;
    CHECK(gateways(other) == 0);
    other = route;
    other.rtm_flags = RTNH_F_LINKDOWN;
    CHECK(gateways(other) == 0);
    other = route;
    other.rtm_flags = RTM_F_CLONED;
    CHECK(gateways(other) == 0);
    other = route;
    other.rtm_family = AF_INET6;  // four bytes are no IPv6 address
    CHECK(gateways(other) == 0);
    // A route over an interface that is down leads nowhere, one without a gateway names none.
    CHECK(read({link_message(2, "eth0", IFF_UP), route_message(2, "192.0.2.1")}).network.gateways.empty());
    CHECK(read({link_message(2, "tun0"),
                RouteMessageBuilder(RTM_NEWROUTE, route).number(RTA_OIF, 2).bytes()})
              .network.gateways.empty());
}

TEST_CASE("a route with several ways") {
    RouteBytes ways;
    for (std::uint8_t index = 2; index <= 4; ++index) {
        rtnexthop hop{sizeof(rtnexthop) + 8, static_cast<unsigned char>(index == 4 ? RTNH_F_DEAD : 0), 0, index};
        const std::size_t at = ways.size();
        ways.resize(at + sizeof hop);
        std::memcpy(ways.data() + at, &hop, sizeof hop);
        const std::uint8_t gateway[] = {8, 0, RTA_GATEWAY, 0, 192, 0, index, 1};
        for (const std::uint8_t byte : gateway) ways.push_back(byte);
    }
    const auto message = RouteMessageBuilder(RTM_NEWROUTE, default_route_header(AF_INET))
                             .attribute(RTA_MULTIPATH, ways).bytes();
    const auto state = read({link_message(2, "a"), link_message(3, "b"), link_message(4, "c"), message});
    REQUIRE(state.network.gateways.size() == 2);
    CHECK(state.network.gateways[0].address.to_string() == "192.0.2.1");
    CHECK(state.network.gateways[1].address.to_string() == "192.0.3.1");
    CHECK(state.network.gateways[1].interface == "b");
}

TEST_CASE("an IPv4 route by way of an IPv6 gateway") {
    RouteBytes via{AF_INET6, 0};
    const auto gateway = Address::parse("fe80::1").value();
    for (const std::uint8_t byte : gateway.bytes) via.push_back(byte);
    const auto state = read({link_message(2, "eth0"),
                             RouteMessageBuilder(RTM_NEWROUTE, default_route_header(AF_INET))
                                 .number(RTA_OIF, 2).attribute(RTA_VIA, via).bytes()});
    REQUIRE(state.network.gateways.size() == 1);
    CHECK(state.network.gateways[0].address == gateway);
}

TEST_CASE("a gateway's hardware address is not known before it is, nor once it fails") {
    const auto mac_with = [](const RouteBytes& neighbour) {
        return read({link_message(2, "eth0"), link_message(3, "eth1"), route_message(2, "192.0.2.1"), neighbour})
            .network.gateways.at(0).mac;
    };
    CHECK(mac_with(neighbour_message(2, "192.0.2.1", mac, NUD_STALE)) == "52:54:00:ab:cd:ef");
    CHECK(mac_with(neighbour_message(2, "192.0.2.1", mac, NUD_FAILED)) == "");
    CHECK(mac_with(neighbour_message(2, "192.0.2.1", {}, NUD_INCOMPLETE)) == "");
    CHECK(mac_with(neighbour_message(2, "192.0.2.1", {1, 2, 3, 4, 5})) == "");
    CHECK(mac_with(neighbour_message(2, "192.0.2.1", RouteBytes(20, 1))) == "");
    CHECK(mac_with(neighbour_message(2, "192.0.2.2", mac)) == "");
    CHECK(mac_with(neighbour_message(3, "192.0.2.1", mac)) == "");
}

TEST_CASE("news that concern what is known, and those that don't") {
    const NetworkState state = read(office());
    const auto matters = [&](const RouteBytes& bytes) { return concerns(only(bytes), state); };
    CHECK(matters(link_message(9, "new0")));
    CHECK(matters(link_message(2, "eth0", 0, RTM_DELLINK)));
    CHECK(matters(address_message(2, "192.0.2.11", 24)));
    CHECK(matters(route_message(2, "192.0.2.2")));
    CHECK(matters(route_message(2, "192.0.2.1", RTM_DELROUTE)));
    CHECK(matters(neighbour_message(2, "192.0.2.1", {1, 2, 3, 4, 5, 6})));
    CHECK(matters(neighbour_message(2, "192.0.2.1", mac, NUD_FAILED)));
    CHECK(matters(neighbour_message(2, "192.0.2.1", mac, NUD_STALE, RTM_DELNEIGH)));
    CHECK_FALSE(matters(neighbour_message(2, "192.0.2.1", mac, NUD_STALE)));
    CHECK_FALSE(matters(neighbour_message(2, "192.0.2.9", {1, 2, 3, 4, 5, 6})));
    CHECK_FALSE(matters(neighbour_message(3, "192.0.2.1", {1, 2, 3, 4, 5, 6})));
    rtmsg route = default_route_header(AF_INET);
    route.rtm_dst_len = 24;
    CHECK_FALSE(matters(RouteMessageBuilder(RTM_NEWROUTE, route).number(RTA_OIF, 2).bytes()));
    CHECK(concerns(RouteMessage{}, state));
}

TEST_CASE("a network that is too large is counted, not kept") {
    std::vector<RouteBytes> messages;
    for (int i = 1; i <= 10; ++i) {
        messages.push_back(link_message(i, "eth" + std::to_string(i)));
        messages.push_back(address_message(i, "192.0.2." + std::to_string(i), 24));
        messages.push_back(route_message(i, "192.0.2." + std::to_string(i)));
    }
    const auto state = read(messages, {.links = 4, .addresses = 3, .gateways = 2});
    CHECK(state.names.size() == 4);
    CHECK(state.network.self.size() == 3);
    CHECK(state.network.gateways.size() == 2);
    CHECK(state.left_out == 6 + 7 + 8);
}

TEST_CASE("messages that are cut short say less, and never something else") {
    const NetworkState whole = read(office());
    for (const RouteBytes& bytes : office()) {
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            RouteBytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            std::span<const std::uint8_t> rest(cut);
            const auto told = next_route_message(rest);
            CHECK(rest.empty());
            CHECK(told.has_value() == (size > 0));
            if (told) CHECK(told->type == 0);
            // The same with a header that agrees: the attributes are what is cut.
            if (size < sizeof(nlmsghdr)) continue;
            const auto length = static_cast<std::uint32_t>(size);
            std::memcpy(cut.data(), &length, sizeof length);
            auto messages = office();
            messages.push_back(cut);
            NetworkState less = read(messages);
            REQUIRE(less.network.gateways.size() == 1);
            std::string& known = less.network.gateways[0].mac;
            CHECK((known == "52:54:00:ab:cd:ef" || known == ""));
            known = whole.network.gateways[0].mac;
            CHECK(less == whole);
        }
    }
}

TEST_CASE("lengths that lie end the reading") {
    RouteBytes bytes = link_message(2, "eth0");
    for (const unsigned length : {0u, 3u, 0xffffu}) {
        const auto lie = static_cast<std::uint16_t>(length);
        std::memcpy(bytes.data() + sizeof(nlmsghdr) + sizeof(ifinfomsg), &lie, sizeof lie);
        CHECK(read({bytes}).names.empty());
    }
    CHECK(read({link_message(2, std::string(40, 'x'))}).names.empty());
    CHECK(read({link_message(2, "")}).names.empty());
    CHECK(read({link_message(0, "eth0"), link_message(-1, "eth1")}).names.empty());
}

TEST_CASE("several messages in one datagram") {
    RouteBytes both = link_message(2, "eth0");
    const RouteBytes second = link_message(3, "eth1");
    for (const std::uint8_t byte : second) both.push_back(byte);
    std::span<const std::uint8_t> rest(both);
    CHECK(next_route_message(rest)->sequence == 7);
    CHECK(next_route_message(rest)->type == RTM_NEWLINK);
    CHECK_FALSE(next_route_message(rest));
}

TEST_CASE("refusals") {
    const auto of = [](std::int32_t error) {
        RouteBytes bytes(4);
        std::memcpy(bytes.data(), &error, 4);
        return refusal_in(bytes);
    };
    CHECK(of(0) == 0);
    CHECK(of(-EPERM) == EPERM);
    CHECK(of(5) == EBADMSG);
    CHECK(of(std::numeric_limits<std::int32_t>::min()) == EBADMSG);
    CHECK(refusal_in({}) == EBADMSG);
}
