// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstring>
#include <map>
#include <vector>

#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include "fwd/active_rules.hpp"
#include "fwd/attribution.hpp"
#include "fwd/grants.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

Address address(const char* text) { return *Address::parse(text); }

// UDP 10.0.0.1:4000 → 10.0.0.2:53, no content.
std::vector<std::uint8_t> datagram() {
    return {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
            0x0f, 0xa0, 0, 53, 0, 8, 0, 0};
}

Flow flow(Direction direction = Direction::out) {
    Flow made;
    made.direction = direction;
    made.protocol = Protocol::udp;
    made.local = address("10.0.0.1");
    made.remote = address("10.0.0.2");
    made.local_port = 4000;
    made.remote_port = 53;
    return made;
}

dw_sender sender(dw_u32 pid, dw_u32 version, dw_u64 seen_ns) {
    dw_sender made{};
    made.version = made.version_end = version;
    made.who.pid = pid;
    made.seen_ns = seen_ns;
    made.hook = DW_HOOK_NETFILTER;
    return made;
}

dw_u32 pid_of(const FoundSender& found) { return found.binding ? found.binding->who.pid : 0; }

struct FakeSockets final : SocketLookup {
    std::optional<std::uint64_t> exact, listening;
    std::optional<std::vector<std::uint64_t>> group{std::in_place};
    std::uint32_t interface_asked = 0;
    bool connecting = false;

    std::optional<std::uint64_t> receiver(const Flow&, std::uint32_t interface) override {
        interface_asked = interface;
        return exact;
    }
    std::optional<std::uint64_t> listener(const Flow&, std::uint32_t) override { return listening; }
    bool connects(const Flow&, std::uint32_t) override { return connecting; }
    std::optional<std::vector<std::uint64_t>> group_receivers(const Flow&) override { return group; }
};

// Everything the kernel knows, in tables.
struct World {
    std::optional<dw_senders> senders;
    std::optional<dw_binding> bound;
    std::optional<dw_foreign> foreign;
    std::map<std::uint64_t, dw_u32> holders;  // cookie → pid
    std::vector<dw_u64> group;                // cookies of who shares a port
    bool group_told = true;
    FakeSockets sockets;
    ProcessTable processes{[](const dw_process_key& key, dw_process& value) {
                               const std::string path = "/bin/p" + std::to_string(key.pid % 1000);
                               value.self = key;
                               value.path_start = static_cast<dw_u32>(DW_PATH_MAX - path.size());
                               std::memcpy(value.path + value.path_start, path.data(), path.size());
                               return true;
                           },
                           CgroupNames([](std::uint64_t) { return std::nullopt; }, 4), 16};
    Attribution attribution{
        Senders([this](const dw_flow_key&, dw_senders& value) {
            if (senders) value = *senders;
            return senders.has_value();
        }),
        Bindings([this](std::span<const dw_flow_key>, std::span<std::optional<dw_binding>> found) {
            found[0] = bound;
        }),
        ForeignBindings([this](const dw_flow_key&, dw_foreign& value) {
            if (foreign) value = *foreign;
            return foreign.has_value();
        }),
        [this](std::uint64_t cookie, dw_binding& value) {
            const auto found = holders.find(cookie);
            if (found == holders.end()) return false;
            value = {};
            value.who.pid = found->second;
            value.hook = DW_HOOK_CGROUP;
            return true;
        },
        [this](dw_port_group& asked) {
            asked.count = static_cast<dw_u32>(group.size());
            std::copy_n(group.begin(), std::min<std::size_t>(group.size(), DW_GROUP_MAX), asked.members);
            return group_told;
        },
        sockets, processes};

    Attributed of(const Flow& of_flow, bool inbound, std::uint32_t slot) {
        static const auto bytes = datagram();
        QueuedPacket packet;
        packet.inbound = inbound;
        packet.interface = 3;
        packet.settled_ns = 100 * second;
        packet.payload = bytes;
        return attribution.of(of_flow, packet, slot, 101 * second);
    }
};

}  // namespace

TEST_CASE("a queued packet has the key that its flow has") {
    const auto bytes = datagram();
    const auto key = sender_key(bytes);
    REQUIRE(key);
    CHECK(*key == sender_key(flow()));
    CHECK(key->local_port == htons(4000));
    Flow other = flow();
    other.remote_port = 54;
    CHECK_FALSE(*key == sender_key(other));
}

TEST_CASE("a key needs a whole header and nothing behind it") {
    const auto bytes = datagram();
    const std::span<const std::uint8_t> all(bytes);
    CHECK_FALSE(sender_key(all.first(19)));
    CHECK_FALSE(sender_key(all.first(0)));
    const auto bare = sender_key(all.first(20));
    REQUIRE(bare);
    CHECK(bare->local_port == 0);
    std::vector<std::uint8_t> v6(40, 0);
    v6[0] = 0x60;
    CHECK(sender_key(v6));
    CHECK_FALSE(sender_key(std::span<const std::uint8_t>(v6).first(39)));
}

TEST_CASE("of ICMP the key has the identifier") {
    auto bytes = datagram();
    bytes[9] = 1;
    bytes[24] = 0x12;
    bytes[25] = 0x34;
    const auto key = sender_key(bytes);
    REQUIRE(key);
    CHECK(key->local_port == htons(0x1234));
    CHECK(key->remote_port == 0);
}

TEST_CASE("the slot in its mark names a packet's sender") {
    dw_senders all{};
    all.slot[0] = sender(7, 1, 99 * second);
    all.slot[1] = sender(8, 2, 200 * second);
    all.owner = 2;
    const Senders senders([&](const dw_flow_key&, dw_senders& value) {
        value = all;
        return true;
    });
    CHECK(pid_of(senders.of_packet({}, 1, 100 * second)) == 7);
    CHECK(pid_of(senders.of_packet({}, 2, 100 * second)) == 8);
    CHECK(senders.of_packet({}, 3, 100 * second).unknown == Unknown::ambiguous);  // nobody's
    CHECK(senders.of_packet({}, 0, 100 * second).unknown == Unknown::no_binding);
    CHECK(senders.of_packet({}, 8, 100 * second).unknown == Unknown::no_binding);
    CHECK(senders.latest({})->who.pid == 8);
    all.owner = 0;
    CHECK_FALSE(senders.latest({}));
}

TEST_CASE("a sender of datagrams is granted what it sends on, a connection is not") {
    dw_senders all{};
    all.slot[2] = sender(7, 3, 99 * second);
    all.slot[2].cookie = 5;
    all.slot[3] = sender(8, 4, 200 * second);
    all.slot[3].before_ns = 100 * second;
    const Senders senders([&](const dw_flow_key&, dw_senders& value) {
        value = all;
        return true;
    });
    dw_flow_key key{};
    key.protocol = static_cast<dw_u8>(Protocol::udp);
    key.remote_port = htons(53);
    const auto grant = senders.of_packet(key, 3, 100 * second).grant;
    REQUIRE(grant);
    CHECK(std::memcmp(&grant->flow, &key, sizeof key) == 0);
    CHECK(grant->cookie == 5);
    CHECK(grant->who.pid == 7);
    CHECK_FALSE(senders.of_packet(key, 4, 100 * second).grant);  // whose it is, nobody knows
    CHECK_FALSE(senders.of_packet(key, 1, 100 * second).grant);  // nobody's
    key.protocol = static_cast<dw_u8>(Protocol::tcp);
    CHECK_FALSE(senders.of_packet(key, 3, 100 * second).grant);
}

TEST_CASE("grants count in their generation, and those that are refused are counted") {
    dw_grant_state state{};
    std::vector<std::uint64_t> given;
    Grants grants([&](const dw_grant&, std::uint64_t generation) {
        given.push_back(generation);
        return generation != 2;
    }, state);
    CHECK(state.generation == 0);
    grants.begin(7);
    CHECK(state.generation == 7);
    grants.give({}, 1);
    grants.give({}, 2);
    CHECK(given == std::vector<std::uint64_t>{1, 2});
    CHECK(grants.refused() == 1);
}

TEST_CASE("grants outlive a change that takes no flow's mark away") {
    const auto rules = *Ruleset::compile(std::vector<Rule>{}, {}, {});
    const ActiveRules first(rules, Mode::enforce, 8, nullptr, nullptr);
    const ActiveRules network(rules, Mode::enforce, 8, nullptr, &first);
    const ActiveRules changed(rules, Mode::enforce, 16, nullptr, &network);
    CHECK(network.generation != first.generation);
    CHECK(network.granted_as == first.granted_as);
    CHECK(changed.granted_as != network.granted_as);
    CHECK(first.granted_as != 0);
}

TEST_CASE("a slot whose former holder may still have waited is nobody's") {
    dw_senders all{};
    all.slot[0] = sender(7, 8, 200 * second);
    all.slot[0].before_ns = 99 * second;
    const Senders senders([&](const dw_flow_key&, dw_senders& value) {
        value = all;
        return true;
    });
    CHECK(pid_of(senders.of_packet({}, 1, 100 * second)) == 7);
    CHECK(senders.of_packet({}, 1, 99 * second).unknown == Unknown::ambiguous);
    all.slot[0].before_ns = 0;  // its first holder is not in doubt, however new
    CHECK(pid_of(senders.of_packet({}, 1, 98 * second)) == 7);
}

TEST_CASE("a slot read while it was written is nobody's") {
    dw_senders all{};
    all.slot[0] = sender(7, 1, second);
    all.slot[0].version_end = 0;
    all.owner = 1;
    const Senders senders([&](const dw_flow_key&, dw_senders& value) {
        value = all;
        return true;
    });
    CHECK(senders.of_packet({}, 1, 100 * second).unknown == Unknown::ambiguous);
    CHECK_FALSE(senders.latest({}));
}

TEST_CASE("an outgoing packet: the slot first, the tuple where there is none") {
    World world;
    world.bound = dw_binding{};
    world.bound->who.pid = 5;
    world.bound->hook = DW_HOOK_KPROBE;
    CHECK(world.of(flow(), false, 0).process->exe == "/bin/p5");
    CHECK(world.of(flow(), false, 1).process->exe == "/bin/p5");  // its slot was displaced
    world.senders = dw_senders{};
    world.senders->slot[0] = sender(7, 1, second);
    const Attributed found = world.of(flow(), false, 1);
    CHECK(found.process->exe == "/bin/p7");
    CHECK(found.source == AttributionSource::netfilter);
    CHECK(found.seen_ns == second);
    world.bound.reset();
    CHECK(world.of(flow(), false, 0).unknown == Unknown::no_binding);
    CHECK(world.of(flow(), false, 2).unknown == Unknown::ambiguous);
}

TEST_CASE("behind extension headers the tuple names nobody whose slot is gone") {
    World world;
    world.bound.emplace().who.pid = 5;
    std::vector<std::uint8_t> bytes(56);
    bytes[0] = 0x60;
    bytes[6] = 0;  // hop-by-hop options
    QueuedPacket packet;
    packet.settled_ns = 100 * second;
    packet.payload = bytes;
    CHECK(world.attribution.of(flow(), packet, 2, 101 * second).unknown == Unknown::process_lost);
    bytes[6] = 17;
    CHECK(world.attribution.of(flow(), packet, 2, 101 * second).process->exe == "/bin/p5");
}

TEST_CASE("an answer that comes in belongs to the latest sender") {
    World world;
    world.senders = dw_senders{};
    world.senders->slot[1] = sender(8, 2, second);
    world.senders->owner = 2;
    CHECK(world.of(flow(), true, 0).process->exe == "/bin/p8");
}

TEST_CASE("an answer that comes in belongs to who asked by the socket that gets it") {
    World world;
    world.senders = dw_senders{};
    for (const dw_u32 i : {0, 1, 2, 3}) {
        world.senders->slot[i] = sender(6 + i, 1 + i, second);
        world.senders->slot[i].cookie = i == 0 || i == 1 ? 500 : 600;
    }
    world.senders->owner = 4;
    world.sockets.exact = 500;
    CHECK(world.of(flow(), true, 0).process->exe == "/bin/p7");
    CHECK(world.sockets.interface_asked == 3);
    world.sockets.exact = 600;
    world.senders->owner = 3;  // it had a slot already when it asked again
    CHECK(world.of(flow(), true, 0).process->exe == "/bin/p8");
    world.sockets.exact = 700;  // its verdict was known: it never asked
    CHECK(world.of(flow(), true, 0).unknown == Unknown::no_binding);
    world.bound = dw_binding{};
    world.bound->who.pid = 5;
    CHECK(world.of(flow(), true, 0).process->exe == "/bin/p5");
    Flow connection = flow();
    connection.protocol = Protocol::tcp;
    CHECK(world.of(connection, true, 0).process->exe == "/bin/p8");  // one socket has it
}

TEST_CASE("an inbound flow belongs to whoever holds the socket that the kernel chooses") {
    World world;
    world.holders = {{11, 4}, {12, 6}};
    CHECK(world.of(flow(Direction::in), true, 0).unknown == Unknown::no_listener);
    world.sockets.exact = 11;
    const Attributed found = world.of(flow(Direction::in), true, 0);
    CHECK(found.process->exe == "/bin/p4");
    CHECK(found.source == AttributionSource::listener);
    CHECK(found.seen_ns == 0);
    CHECK(world.sockets.interface_asked == 3);
    world.sockets.exact = 99;  // a socket that nobody was seen to hold
    CHECK(world.of(flow(Direction::in), true, 0).unknown == Unknown::no_listener);
}

TEST_CASE("an accepted connection belongs to its listener's holder; a datagram socket has none") {
    World world;
    world.holders = {{12, 6}};
    world.sockets.exact = 99;
    world.sockets.listening = 12;
    Flow connection = flow(Direction::in);
    connection.protocol = Protocol::tcp;
    CHECK(world.of(connection, true, 0).process->exe == "/bin/p6");
    CHECK(world.of(flow(Direction::in), true, 0).unknown == Unknown::no_listener);
}

TEST_CASE("a connection that both ends begin belongs to who connects, not to who listens") {
    World world;
    world.holders = {{12, 6}};
    world.sockets.exact = 99;
    world.sockets.listening = 12;
    world.sockets.connecting = true;
    Flow connection = flow(Direction::in);
    connection.protocol = Protocol::tcp;
    CHECK(world.of(connection, true, 0).unknown == Unknown::no_binding);
    world.bound.emplace();
    world.bound->who.pid = 7;
    world.bound->hook = DW_HOOK_CGROUP;
    const Attributed found = world.of(connection, true, 0);
    CHECK(found.process->exe == "/bin/p7");
    CHECK(found.source == AttributionSource::cgroup);
    connection.protocol = Protocol::udp;
    CHECK(world.of(connection, true, 0).unknown == Unknown::no_listener);
}

TEST_CASE("a port's group that chooses by itself is one program's, or ambiguous") {
    World world;
    world.sockets.exact = 12;
    world.holders = {{12, 6}, {13, 6}, {14, 7}, {15, 1006}};
    const auto exe = [&] {
        const auto found = world.of(flow(Direction::in), true, 0);
        return found.process ? found.process->exe : std::string(unknown_name(found.unknown));
    };
    world.group = {12, 13};
    CHECK(exe() == "/bin/p6");
    world.group = {12, 13, 14};
    CHECK(exe() == "ambiguous");
    world.group = {12, 15};  // the same program, run by another process
    CHECK(exe() == "/bin/p6");
    world.group = {12, 99};  // nobody knows who holds it
    CHECK(exe() == "ambiguous");
    world.group.assign(DW_GROUP_MAX + 1, 12);
    CHECK(exe() == "ambiguous");
    world.group.clear();
    world.group_told = false;
    CHECK(exe() == "ambiguous");
    world.group_told = true;
    CHECK(exe() == "/bin/p6");
}

TEST_CASE("what the table says goes to a group is asked of all on the port") {
    World world;
    world.sockets.exact = 12;
    world.sockets.group = std::vector<std::uint64_t>{12, 13};
    world.holders = {{12, 6}, {13, 7}};
    CHECK(world.of(flow(Direction::in), true, 0).process->exe == "/bin/p6");
    CHECK(world.of(flow(Direction::in), true, 7).unknown == Unknown::ambiguous);
    world.sockets.group = std::vector<std::uint64_t>{13};
    CHECK(world.of(flow(Direction::in), true, 7).process->exe == "/bin/p7");
    world.sockets.group.reset();  // too many
    CHECK(world.of(flow(Direction::in), true, 7).unknown == Unknown::ambiguous);
}

TEST_CASE("what goes to a group is one process's, or ambiguous") {
    World world;
    world.holders = {{11, 4}, {12, 6}, {13, 4}};
    Flow group = flow(Direction::in);
    group.local = address("224.0.0.251");
    CHECK(world.of(group, true, 0).unknown == Unknown::no_listener);
    world.sockets.group = std::vector<std::uint64_t>{11, 13};
    CHECK(world.of(group, true, 0).process->exe == "/bin/p4");
    world.sockets.group = std::vector<std::uint64_t>{11, 12};
    CHECK(world.of(group, true, 0).unknown == Unknown::ambiguous);
    world.sockets.group = std::vector<std::uint64_t>{11, 99};
    CHECK(world.of(group, true, 0).unknown == Unknown::ambiguous);
}

TEST_CASE("an answer that leaves belongs to whoever sends it, a connection's to its listener") {
    World world;
    world.holders = {{5, 30}};
    world.sockets.exact = 5;
    world.senders = dw_senders{};
    world.senders->slot[1] = sender(8, 1, 99 * second);
    CHECK(world.of(flow(Direction::in), false, 2).process->pid == 8);
    CHECK(world.of(flow(Direction::in), false, 2).source == AttributionSource::netfilter);
    CHECK(world.of(flow(Direction::in), false, 2).grant);
    CHECK(world.of(flow(Direction::in), false, 3).unknown == Unknown::ambiguous);
    CHECK(world.of(flow(Direction::in), false, 0).process->pid == 30);
    CHECK(world.of(flow(Direction::in), true, 2).process->pid == 30);
    world.senders->slot[1].flags = DW_FROM_KERNEL;
    CHECK(world.of(flow(Direction::in), false, 2).process->pid == 30);
    Flow connection = flow(Direction::in);
    connection.protocol = Protocol::tcp;
    CHECK(world.of(connection, false, 2).process->pid == 30);
}

TEST_CASE("the kernel itself answers to ICMP, and protocols without ports have no listener") {
    World world;
    Flow icmp = flow(Direction::in);
    icmp.protocol = Protocol::icmp;
    CHECK(world.of(icmp, true, 0).unknown == Unknown::kernel);
    icmp.protocol = static_cast<Protocol>(47);
    CHECK(world.of(icmp, true, 0).unknown == Unknown::no_listener);
}

TEST_CASE("a forwarded flow belongs to its opener in another namespace, or to nobody here") {
    World world;
    world.senders = dw_senders{};  // what is known of this namespace does not count
    world.senders->slot[0] = sender(7, 1, second);
    world.senders->owner = 1;
    world.holders = {{11, 4}};
    world.sockets.exact = 11;
    CHECK(world.of(flow(Direction::forward), false, 0).unknown == Unknown::forwarded);
    world.foreign = dw_foreign{};
    world.foreign->binding.who.pid = 9;
    world.foreign->binding.hook = DW_HOOK_CGROUP;
    world.foreign->netns_cookie = 5;
    CHECK(world.of(flow(Direction::forward), false, 0).process->exe == "/bin/p9");
    world.foreign->binding.before.pid = 8;
    world.foreign->binding.before_ns = 99 * second;
    CHECK(world.of(flow(Direction::forward), false, 0).process->exe == "/bin/p9");
    world.foreign->binding.before_ns = 100 * second - second / 20;  // its packet may be on its way
    CHECK(world.of(flow(Direction::forward), false, 0).unknown == Unknown::ambiguous);
    world.foreign->binding.before_ns = 0;
    world.foreign->netns_cookie = 0;
    CHECK(world.of(flow(Direction::forward), false, 0).unknown == Unknown::ambiguous);
}
