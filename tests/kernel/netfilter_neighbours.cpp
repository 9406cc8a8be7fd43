// SPDX-License-Identifier: GPL-2.0-or-later
// The table, the queue and the marks beside those of others; what is left behind, and what is lost.
#include "tests/kernel/netfilter_fixture.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/icmp6.h>
#include <sys/wait.h>

#include "fwd/conntrack.hpp"

namespace doorward::test {
namespace {

// Somebody else's table: it marks flows and counts, behind our chains, what it sees of packet marks.
void add_foreign_table() {
    run("nft -f - <<'END'\n"
        "table inet foreign {\n"
        " counter kept {}\n counter leaked {}\n"
        " chain mangle {\n  type filter hook output priority mangle;\n"
        "  meta mark & 0x00ffffff == 0x5 ct mark set ct mark | 0x600\n }\n"
        " chain output {\n  type filter hook output priority filter;\n"
        "  meta mark 0x5 counter name kept\n  meta mark & 0x7f000000 != 0 counter name leaked\n }\n"
        "}\nEND");
}

bool counted(const std::string& name, const std::string& packets) {
    const std::string listed = run("nft list counter inet foreign " + name);
    return listed.find("packets " + packets + " ") != std::string::npos;
}

bool table_is_in() { return run("nft list tables").find("inet doorward") != std::string::npos; }

// Runs `work` in a child process, which ends without any destructor. Returns its exit status.
template <class Work>
int in_child(const Work& work) {
    const pid_t child = fork();
    if (child == 0) {
        int status = 99;
        try {
            status = work();
        } catch (...) {
        }
        _exit(status);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "other tables and other bits of the marks stay as they are",
                 "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    add_foreign_table();
    const std::string before = run("nft -s list ruleset");
    auto table = good(NftTable::install(layout()));
    const Fd server = peer_receiver(family, 53);
    {
        QueueReader reader(open_queue(), accept());
        const Fd plain = udp_to(to(family, 53), 0x5);
        REQUIRE(send_text(plain, "a mark of its own"));
        REQUIRE(datagrams(server, 1, soon) == 1);
        REQUIRE(reader.seen().at(0).mark == marks.merge(0x5, marks.generation(0)));
        REQUIRE(send_text(plain, "decided"));
        REQUIRE(datagrams(server, 1, soon) == 1);
        CHECK(counted("kept", "2"));

        // The marks under which packets are let through, forged by the sender: all are asked about.
        const std::size_t asked = reader.count();
        const Fd forged = udp_to(to(family, 53), marks.generation(0) | 0x5);
        REQUIRE(send_text(forged, "first"));
        REQUIRE(reader.saw(asked + 1));
        CHECK(reader.seen()[asked].mark == marks.merge(0x5, marks.generation(0)));
        REQUIRE(datagrams(server, 1, soon) == 1);
        const Fd refused = udp_to(to(family, 53), marks.reject());
        REQUIRE(send_text(refused, "not refused by its own mark"));
        REQUIRE(datagrams(server, 1, soon) == 1);
        CHECK(reader.count() == asked + 2);
    }
    CHECK(counted("kept", "3"));
    CHECK(counted("leaked", "0"));
    good(table.remove());
    CHECK(run("nft -s list ruleset") == before);
    CHECK_FALSE(table_is_in());
}

TEST_CASE_METHOD(Fixture, "a forged mark does not open the door", "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    auto table = good(NftTable::install(layout()));
    QueueReader reader(open_queue(), drop());
    const Fd server = peer_receiver(family, 53);
    for (std::uint64_t value = 0; value < 128; ++value) {
        const Fd client = udp_to(to(family, 53), static_cast<std::uint32_t>(value << 24) | 0x5);
        (void)send_text(client, "let me out");
    }
    CHECK(datagrams(server, 1, never) == 0);
    CHECK(reader.saw(128));
}

TEST_CASE_METHOD(Fixture, "a neighbour's routing by its exact mark keeps working", "[netfilter]") {
    net.enter(Side::peer);
    run("ip address add 198.51.100.1/32 dev lo");
    const Fd server = listener(AF_INET, 80);
    net.enter(Side::here);
    run("ip rule add fwmark 0x5 lookup 100 && ip route add default via 10.77.0.2 table 100");
    const auto table = good(NftTable::install(layout(0)));
    std::uint64_t generation = 0;
    SECTION("an accepted packet comes back as it went") {
        // Without the mark there is no route: routed anew with our bits the packet would be lost.
    }
    SECTION("one whose mark was changed is routed by its sender's mark in the end") {
        generation = 1;
        run("ip route add default via 10.77.0.3");  // nobody is there
    }
    QueueReader reader(open_queue(), accept(generation));
    const Fd client = tcp_to({AF_INET, "198.51.100.1", 80}, 0x5);
    CHECK(connected(client, soon) == 0);
    CHECK(accepted(server, soon));
}

TEST_CASE_METHOD(Fixture, "neighbour discovery passes only if the kernel sends it", "[netfilter]") {
    const auto table = good(NftTable::install(layout()));
    Fd raw(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    REQUIRE(raw);
    const int hops = 255;
    setsockopt(raw.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
    const std::uint64_t before = good(table.counters()).queued;
    sockaddr_in6 peer{};
    peer.sin6_family = AF_INET6;
    inet_pton(AF_INET6, "fd77::2", &peer.sin6_addr);
    std::array<char, 64> message{};
    message[0] = static_cast<char>(ND_NEIGHBOR_ADVERT);
    for (int i = 0; i < 20; ++i) {
        (void)sendto(raw.get(), message.data(), message.size(), 0,
                     reinterpret_cast<sockaddr*>(&peer), sizeof peer);
    }
    CHECK(good(table.counters()).queued >= before + 20);
}

TEST_CASE_METHOD(Fixture, "conntrack lists flows and clears our bits only", "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    add_foreign_table();
    auto table = good(NftTable::install(layout()));
    QueueReader reader(open_queue(), accept());
    const Fd server = peer_receiver(family, 53);
    const Fd client = udp_to(to(family, 53), 0x5);
    REQUIRE(send_text(client, "hello"));
    REQUIRE(datagrams(server, 1, soon) == 1);

    Conntrack conntrack = good(Conntrack::open());
    const auto find = [&] {
        const auto flows = good(conntrack.list());
        const auto at = std::find_if(flows.begin(), flows.end(), [](const TrackedFlow& flow) {
            return flow.protocol == Protocol::udp && flow.destination_port == 53;
        });
        REQUIRE(at != flows.end());
        return *at;
    };
    CHECK(find().mark == marks.merge(0x600, marks.generation(0)));
    CHECK(find().source.to_string() == net.address(family, Side::here));
    CHECK(find().destination.to_string() == net.address(family, Side::peer));
    CHECK(find().source_port == reader.seen().at(0).packet.source_port);
    const auto mark_those_to = [&](std::uint16_t port, std::uint32_t mark) {
        return good(conntrack.change_marks(marks.mask(), [&](const TrackedFlow& flow) {
            return flow.destination_port == port ? mark : marks.ours(flow.mark);
        }));
    };
    CHECK(mark_those_to(54, marks.generation(1)) == 0);
    CHECK(mark_those_to(53, ~marks.mask()) == 1);  // bits of others are left as they were
    CHECK(find().mark == 0x600);
    CHECK(mark_those_to(53, marks.generation(1)) == 0);  // not marked any more
    REQUIRE(send_text(client, "marks it again"));
    REQUIRE(datagrams(server, 1, soon) == 1);
    CHECK(mark_those_to(53, marks.generation(1)) == 1);
    CHECK(find().mark == marks.merge(0x600, marks.generation(1)));
    CHECK(good(conntrack.clear_marks(marks.mask())) == 1);
    CHECK(find().mark == 0x600);
    CHECK(good(conntrack.clear_marks(marks.mask())) == 0);
    REQUIRE(send_text(client, "asked about again"));
    CHECK(reader.saw(3));
}

TEST_CASE_METHOD(Fixture, "before the first generation no flow is ever decided", "[netfilter]") {
    NftLayout none = layout();
    none.generation_mark = marks.none_yet();
    auto table = good(NftTable::install(none));
    QueueReader reader(open_queue(), [](const QueuedPacket& packet, const Packet&) {
        return QueueVerdict{true, packet.mark};
    });
    const Fd server = peer_receiver(AF_INET, 53);
    const Fd client = udp_to(to(AF_INET, 53));
    for (int i = 0; i < 5; ++i) REQUIRE(send_text(client, "asked"));
    CHECK(datagrams(server, 5, soon) == 5);
    CHECK(reader.count() == 5);
    good(table.set_generation(marks.generation(4)));
    REQUIRE(send_text(client, "this one marks the flow"));
    REQUIRE(datagrams(server, 1, soon) == 1);
    REQUIRE(send_text(client, "decided"));
    REQUIRE(datagrams(server, 1, soon) == 1);
    CHECK(reader.count() == 6);
}

TEST_CASE_METHOD(Fixture, "the table of a killed daemon stays shut, and is replaced",
                 "[netfilter]") {
    REQUIRE(in_child([] {
        const auto table = NftTable::install(layout());
        _exit(table ? 0 : 1);
        return 1;
    }) == 0);
    REQUIRE(table_is_in());
    const Fd server = peer_receiver(AF_INET, 53);
    constexpr int refused = 50;
    for (int i = 0; i < refused; ++i)
        REQUIRE((send_text(udp_to(to(AF_INET, 53)), "no") || true));
    CHECK(datagrams(server, 1, never) == 0);
    {
        const auto table = good(NftTable::install(layout(1)));
        // Counted anew. Not zero: the kernel may send a report of its own here (MLD) at any time.
        CHECK(good(table.counters()).queued < refused / 2);
        QueueReader reader(open_queue(), accept(1));
        REQUIRE(send_text(udp_to(to(AF_INET, 53)), "yes"));
        CHECK(datagrams(server, 1, soon) == 1);
    }
    CHECK_FALSE(table_is_in());
}

TEST_CASE_METHOD(FixtureV4, "the way to queue is the one that this kernel has", "[netfilter]") {
    bool has_statement = true;
    try {
        run("nft 'add table ip scratch; add chain ip scratch c; add rule ip scratch c queue num 1'");
    } catch (const std::runtime_error&) {
        has_statement = false;
    }
    const auto table = good(NftTable::install(layout()));
    CHECK(table.queue_kind() == (has_statement ? QueueKind::nft : QueueKind::xtables));
    CHECK(run("nft list tables").find("probe") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a second reader is told who reads already", "[netfilter]") {
    const PacketQueue first = open_queue();
    const auto second = PacketQueue::open(queue_number, 1024);
    REQUIRE_FALSE(second);
    CHECK_THAT(second.error().text(),
               Catch::Contains("packet queue 77 is read by another process already"));
    CHECK(PacketQueue::open(queue_number + 1, 1024));
}

TEST_CASE_METHOD(Fixture, "without the right to do it, errors name the capability", "[netfilter]") {
    CHECK(in_child([] {
        if (setuid(65534) != 0) return 1;
        const auto table = NftTable::install(layout());
        const auto queue = PacketQueue::open(queue_number, 16);
        if (table || queue) return 2;
        const bool named = table.error().text().find("CAP_NET_ADMIN") != std::string::npos &&
                           queue.error().text().find("CAP_NET_ADMIN") != std::string::npos;
        return named ? 0 : 3;
    }) == 0);
}

TEST_CASE_METHOD(FixtureV4, "packets lost to a full queue are counted", "[netfilter]") {
    const auto table = good(NftTable::install(layout()));
    PacketQueue queue = open_queue(4);
    const Fd client = udp_to(to(AF_INET, 53));
    for (int i = 0; i < 50; ++i) (void)send_text(client, "x");
    const std::uint64_t dropped = queue.counters().kernel_dropped;
    CHECK(dropped >= 45);  // kernels differ in whether the limit itself still fits
    // What was held is there to be answered, and then the queue takes packets again.
    std::size_t served = 0;
    while (const std::size_t got = good(queue.serve(never, each([](const QueuedPacket&) {
               return QueueVerdict{};
           })))) {
        served += got;
    }
    CHECK(served + dropped == 50);
    (void)send_text(client, "y");
    CHECK(good(queue.serve(soon, each([](const QueuedPacket&) { return QueueVerdict{}; }))) == 1);
    CHECK(queue.counters().verdicts == served + 1);
    CHECK(good(queue.serve(1, each([](const QueuedPacket&) { return QueueVerdict{}; }))) == 0);
}

TEST_CASE_METHOD(FixtureV4, "packets whose decision throws are dropped, and the queue goes on",
                 "[netfilter]") {
    const auto table = good(NftTable::install(layout()));
    PacketQueue queue = open_queue();
    const Fd server = peer_receiver(AF_INET, 53);
    const Fd client = udp_to(to(AF_INET, 53));
    (void)send_text(client, "x");
    int calls = 0;
    const auto throw_once = each([&](const QueuedPacket& packet) {
        if (++calls == 1) throw std::runtime_error("no decision");
        return QueueVerdict{true, packet.mark};
    });
    CHECK_THROWS_WITH(queue.serve(soon, throw_once), "no decision");
    for (int i = 0; i < 2; ++i) (void)send_text(client, "y");
    CHECK(good(queue.serve(soon, throw_once)) == 2);
    CHECK(datagrams(server, 3, never) == 2);
    CHECK(queue.counters().verdicts == 3);
}

}  // namespace doorward::test
