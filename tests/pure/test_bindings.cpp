// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstring>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "fwd/bindings.hpp"
#include "fwd/cgroup_mount.hpp"
#include "fwd/lru.hpp"
#include "fwd/packet_flow.hpp"
#include "fwd/process_table.hpp"

using namespace doorward;

namespace {

// The kernel's maps, as lists.
struct Maps {
    std::vector<std::pair<dw_flow_key, dw_binding>> flows;

    Bindings bindings() const {
        return Bindings([this](auto keys, auto found) {
            for (std::size_t i = 0; i < keys.size(); ++i)
                for (const auto& [known, binding] : flows)
                    if (known == keys[i]) found[i] = binding;
        });
    }
};

Address address(const char* text) { return *Address::parse(text); }
constexpr const char* none = "::";

dw_flow_key flow_key(Protocol protocol, const char* local, int port, const char* remote, int remote_port) {
    dw_flow_key key{};
    key.protocol = static_cast<dw_u8>(protocol);
    std::memcpy(key.local, address(local).bytes.data(), 16);
    std::memcpy(key.remote, address(remote).bytes.data(), 16);
    key.local_port = static_cast<dw_u16>(port);
    key.remote_port = static_cast<dw_u16>(remote_port);
    return key;
}

dw_binding by(dw_u32 pid, dw_u64 sent_ns = 1) {
    dw_binding binding{};
    binding.who.pid = pid;
    binding.sent_ns = sent_ns;
    return binding;
}

Flow flow(Protocol protocol, const char* local, int port, const char* remote, int remote_port) {
    Flow flow;
    flow.protocol = protocol;
    flow.local = address(local);
    flow.remote = address(remote);
    flow.local_port = static_cast<std::uint16_t>(port);
    flow.remote_port = static_cast<std::uint16_t>(remote_port);
    return flow;
}

dw_u32 pid_of(const std::optional<dw_binding>& found) { return found ? found->who.pid : 0; }

}  // namespace

TEST_CASE("a sender is found by the whole tuple only") {
    Maps maps;
    maps.flows = {{flow_key(Protocol::tcp, "10.0.0.1", 4000, "10.0.0.2", 80), by(7)}};
    const Bindings bindings = maps.bindings();
    CHECK(pid_of(bindings.sender(flow(Protocol::tcp, "10.0.0.1", 4000, "10.0.0.2", 80))) == 7);
    CHECK_FALSE(bindings.sender(flow(Protocol::tcp, "10.0.0.1", 4001, "10.0.0.2", 80)));
    CHECK_FALSE(bindings.sender(flow(Protocol::tcp, "10.0.0.1", 4000, "10.0.0.2", 81)));
    CHECK_FALSE(bindings.sender(flow(Protocol::tcp, "10.0.0.3", 4000, "10.0.0.2", 80)));
    CHECK_FALSE(bindings.sender(flow(Protocol::tcp, "10.0.0.1", 4000, "10.0.0.4", 80)));
    CHECK_FALSE(bindings.sender(flow(Protocol::udp, "10.0.0.1", 4000, "10.0.0.2", 80)));
}

TEST_CASE("a datagram's socket may not have chosen its address; the latest sender counts") {
    Maps maps;
    maps.flows = {{flow_key(Protocol::udp, none, 4000, "10.0.0.2", 53), by(7, 100)},
                  {flow_key(Protocol::udp, "10.0.0.1", 4000, "10.0.0.2", 53), by(8, 200)},
                  {flow_key(Protocol::tcp, none, 4000, "10.0.0.2", 80), by(9)}};
    const Bindings bindings = maps.bindings();
    CHECK(pid_of(bindings.sender(flow(Protocol::udp, "10.0.0.1", 4000, "10.0.0.2", 53))) == 8);
    CHECK(pid_of(bindings.sender(flow(Protocol::udp, "10.0.0.9", 4000, "10.0.0.2", 53))) == 7);
    CHECK_FALSE(bindings.sender(flow(Protocol::tcp, "10.0.0.1", 4000, "10.0.0.2", 80)));
    maps.flows[0].second.sent_ns = 300;
    CHECK(pid_of(bindings.sender(flow(Protocol::udp, "10.0.0.1", 4000, "10.0.0.2", 53))) == 7);
}

TEST_CASE("a raw socket's binding has no ports, and serves no protocol that has") {
    Maps maps;
    maps.flows = {{flow_key(Protocol::icmp, none, 0, "10.0.0.2", 0), by(7)},
                  {flow_key(Protocol::udp, none, 0, "10.0.0.2", 53), by(8)}};
    const Bindings bindings = maps.bindings();
    CHECK(pid_of(bindings.sender(flow(Protocol::icmp, "10.0.0.1", 99, "10.0.0.2", 0))) == 7);
    CHECK_FALSE(bindings.sender(flow(Protocol::icmp, "10.0.0.1", 99, "10.0.0.3", 0)));
    CHECK_FALSE(bindings.sender(flow(Protocol::udp, "10.0.0.1", 4000, "10.0.0.2", 53)));
}

TEST_CASE("a packet's flow: whose end is ours, and who began") {
    const auto nobody_listens = [](const Flow&) { return false; };
    Packet packet{.source = address("10.0.0.1"), .destination = address("10.0.0.2"),
                  .protocol = Protocol::tcp, .source_port = 4000, .destination_port = 80,
                  .icmp_type = 0, .tcp_syn = true, .ports_known = true};
    const Flow out = flow_of(packet, {.inbound = false, .forwarded = false, .reply = false}, nobody_listens);
    CHECK(out.direction == Direction::out);
    CHECK(out.local == packet.source);
    CHECK(out.remote_port == 80);
    CHECK(out.destination_port() == 80);
    const Flow in = flow_of(packet, {.inbound = true, .forwarded = false, .reply = false}, nobody_listens);
    CHECK(in.direction == Direction::in);
    CHECK(in.local == packet.destination);
    CHECK(in.remote_port == 4000);
    CHECK(in.destination_port() == 80);
    packet.tcp_syn = false;
    CHECK(flow_of(packet, {.inbound = false, .forwarded = false, .reply = true}, nobody_listens).direction == Direction::in);
    CHECK(flow_of(packet, {.inbound = true, .forwarded = false, .reply = true}, nobody_listens).direction == Direction::out);
}

TEST_CASE("of a forwarded flow the opener's end counts as local, in both directions") {
    const auto nobody_listens = [](const Flow&) { return false; };
    Packet packet{.source = address("10.0.0.1"), .destination = address("10.0.0.2"),
                  .protocol = Protocol::tcp, .source_port = 4000, .destination_port = 80,
                  .icmp_type = 0, .tcp_syn = false, .ports_known = true};
    const Flow there = flow_of(packet, {.inbound = false, .forwarded = true, .reply = false},
                               nobody_listens);
    CHECK(there.direction == Direction::forward);
    CHECK(there.local == packet.source);
    CHECK(there.destination_port() == 80);
    std::swap(packet.source, packet.destination);
    std::swap(packet.source_port, packet.destination_port);
    const Flow back = flow_of(packet, {.inbound = false, .forwarded = true, .reply = true},
                              nobody_listens);
    CHECK(back.direction == Direction::forward);
    CHECK(back.local == there.local);
    CHECK(back.destination_port() == 80);
}

TEST_CASE("a connection met in its middle is inbound where somebody listens") {
    const auto port_22_listens = [](const Flow& flow) { return flow.local_port == 22; };
    Packet packet{.source = address("10.0.0.1"), .destination = address("10.0.0.2"),
                  .protocol = Protocol::tcp, .source_port = 22, .destination_port = 4000,
                  .icmp_type = 0, .tcp_syn = false, .ports_known = true};
    CHECK(flow_of(packet, {}, port_22_listens).direction == Direction::in);
    packet.source_port = 23;
    CHECK(flow_of(packet, {}, port_22_listens).direction == Direction::out);
    packet.source_port = 22;
    packet.tcp_syn = true;  // a new one: conntrack is right
    CHECK(flow_of(packet, {}, port_22_listens).direction == Direction::out);
    packet.tcp_syn = false;
    packet.protocol = Protocol::udp;
    CHECK(flow_of(packet, {}, port_22_listens).direction == Direction::out);
}

TEST_CASE("a process is named by what the hooks kept, or not at all") {
    std::map<std::uint32_t, dw_process> records;
    int asked = 0;
    ProcessTable table([&](const dw_process_key& key, dw_process& value) {
        asked++;
        const auto found = records.find(key.pid);
        if (found == records.end()) return false;
        value = found->second;
        value.self = key;
        return true;
    }, CgroupNames([](std::uint64_t id) -> std::optional<std::string> {
        if (id == 70) return "/system.slice/web.service";
        if (id == 71) return "/system.slice/docker-" + std::string(64, 'a') + ".scope";
        return std::nullopt;
    }, 4), 4);
    const auto record = [](const std::string& path, std::string args, dw_u32 flags = 0) {
        dw_process made{};
        made.flags = flags;
        made.path_start = static_cast<dw_u32>(DW_PATH_MAX - path.size());
        std::memcpy(made.path + made.path_start, path.data(), path.size());
        made.args_length = static_cast<dw_u32>(args.size());
        std::memcpy(made.args, args.data(), args.size());
        return made;
    };
    using namespace std::string_literals;
    records[1] = record("/usr/bin/make", "");
    records[2] = record("/usr/bin/curl", "curl\0-s\0http://x\0"s);
    records[2].parent.pid = 1;
    const std::string ancestors = "/usr/bin/make\0\0/usr/bin/bash\0/usr/sbin/ss"s;  // and no more room
    records[2].ancestors_length = static_cast<dw_u32>(ancestors.size());
    std::memcpy(records[2].ancestors, ancestors.data(), ancestors.size());
    records[3] = record("/very/deep", "", DW_PATH_TOO_LONG);
    dw_binding binding = by(2);
    binding.uid = 1000;

    const NamedProcess named = table.name(binding);
    REQUIRE(named.process);
    CHECK(named.process->exe == "/usr/bin/curl");
    CHECK(named.process->command_line == "curl -s http://x");
    CHECK(named.process->parent_exe == "/usr/bin/make");
    CHECK(named.process->ancestors == std::vector{"/usr/bin/make"s, ""s, "/usr/bin/bash"s});
    CHECK(named.process->script.empty());
    CHECK(named.process->uid == 1000);
    const int asked_once = asked;
    CHECK(table.name(binding).process == named.process);
    CHECK(asked == asked_once);
    CHECK(named.process->appimage.empty());
    binding.uid = 0;  // the same process, another user since
    CHECK(table.name(binding).process->uid == 0);
    CHECK(table.name(binding).process->control_group == ControlGroup{});  // not known
    binding.cgroup_id = 70;
    CHECK(table.name(binding).process->control_group.units == std::vector{"web.service"s});
    binding.cgroup_id = 71;  // the same process, moved since
    CHECK(table.name(binding).process->control_group.container == "docker:" + std::string(64, 'a'));
    binding.gid = 100;
    CHECK(table.name(binding).process->gid == 100);
    binding.who.exec_id = 1;  // the same pid, another program since
    records[2] = record("/usr/bin/wget", "");
    CHECK(table.name(binding).process->exe == "/usr/bin/wget");

    records[5] = record("/usr/bin/python3.11", "python3\0run.py\0"s, DW_ARGS_OF_START);
    records[5].cwd_length = 4;
    std::memcpy(records[5].cwd, "/opt", 4);
    CHECK(table.name(by(5)).process->script == "/opt/run.py");
    // Arguments that the program may have written itself by then name no script.
    records[6] = record("/usr/bin/python3.11", "python3\0/opt/run.py\0"s);
    CHECK(table.name(by(6)).process->script == "unknown:arguments");
    CHECK(to_text(table.name(by(6)).process->injected) == "preload?,library-path?,tracer?,filter?");
    records[21] = record("/usr/bin/curl", "", DW_ENVIRONMENT_KNOWN | DW_OF_START);
    records[21].identity = 88;
    CHECK(to_text(table.name(by(21)).process->injected).empty());
    CHECK(table.name(by(21)).identity == 88);
    dw_binding traced = by(21);
    traced.flags = DW_BY_TRACED;
    CHECK(to_text(table.name(traced).process->injected) == "tracer");
    CHECK(table.name(traced).identity == 0);
    records[22] = record("/usr/bin/curl", "", DW_LIBRARY_PATH | DW_TRACED | DW_FILTERED);
    CHECK(to_text(table.name(by(22)).process->injected) == "preload?,library-path,tracer,filter");
    // A chroot begins elsewhere.
    records[7] = record("/usr/bin/python3.11", "python3\0/opt/run.py\0"s,
                        DW_ARGS_OF_START | DW_ROOT_CHANGED);
    CHECK(table.name(by(7)).process->script == "unknown:root");
    records[8] = record("/tmp/.mount_FooaB3/usr/bin/foo", "");
    const auto set = [](char* to, dw_u32& length, std::string_view text) {
        length = static_cast<dw_u32>(text.copy(to, text.size()));
    };
    set(records[8].image, records[8].image_length, "/opt/Foo.AppImage");
    set(records[8].first, records[8].first_length, "/tmp/.mount_FooaB3/AppRun");
    set(records[8].mount, records[8].mount_length, ".mount_FooaB3");
    CHECK(table.name(by(8)).process->appimage == "/opt/Foo.AppImage");
    CHECK(table.name(by(8)).process->exe == "/tmp/.mount_FooaB3/usr/bin/foo");
    records[9] = records[8];
    records[9].self.pid = 9;
    set(records[9].mount, records[9].mount_length, ".mount_FooaB4");
    CHECK(table.name(by(9)).process->appimage.empty());
    CHECK(table.name(by(3)).unknown == Unknown::path_unreadable);
    CHECK(table.name(by(4)).unknown == Unknown::process_lost);
    binding.flags = DW_FROM_KERNEL;
    CHECK(table.name(binding).unknown == Unknown::kernel);
    CHECK_FALSE(table.name(binding).process);
}

TEST_CASE("the least recently used entry goes first") {
    Lru<int, int, std::hash<int>> lru(2);
    lru.put(1, 10);
    lru.put(2, 20);
    CHECK(*lru.find(1) == 10);
    lru.put(3, 30);
    CHECK(lru.find(2) == nullptr);
    CHECK(*lru.find(1) == 10);
    CHECK(*lru.find(3) == 30);
    lru.put(3, 31);
    CHECK(*lru.find(3) == 31);
    CHECK(lru.size() == 2);
    CHECK(lru.evicted() == 1);
}

TEST_CASE("cgroup v2 is found where it is mounted") {
    CHECK(find_cgroup2("24 1 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
                       "25 24 0:23 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw\n") ==
          "/sys/fs/cgroup/unified");
    CHECK(find_cgroup2("25 24 0:23 / /sys/fs/cgroup rw - cgroup2 none rw") == "/sys/fs/cgroup");
    CHECK_FALSE(find_cgroup2("25 24 0:23 / /cgroup2 rw - cgroup cgroup rw,cpu\n"));
    CHECK_FALSE(find_cgroup2(""));
}
