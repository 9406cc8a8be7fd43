// SPDX-License-Identifier: GPL-2.0-or-later
// What a verdict does on the wire, and which packets are asked about at all.
#include "tests/kernel/netfilter_fixture.hpp"

#include <netinet/in.h>

#include "fwd/conntrack.hpp"

namespace doorward::test {

TEST_CASE_METHOD(Fixture, "an accepted flow is asked about once", "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    const auto table = good(NftTable::install(layout()));
    QueueReader reader(open_queue(), accept());

    SECTION("TCP") {
        const Fd server = peer_listener(family, 80);
        const Fd client = tcp_to(to(family, 80));
        REQUIRE(connected(client, soon) == 0);
        const Fd served = accepted(server, soon);
        for (int i = 0; i < 5; ++i) {
            REQUIRE(send_text(client, "ping"));
            REQUIRE(send_text(served, "pong"));
        }
        CHECK(bytes(served, 20, soon) == 20);
        CHECK(bytes(client, 20, soon) == 20);
        CHECK(reader.seen().at(0).packet.tcp_syn);
    }
    SECTION("UDP") {
        const Fd server = peer_receiver(family, 53);
        const Fd client = udp_to(to(family, 53));
        REQUIRE(send_text(client, "first"));
        REQUIRE(datagrams(server, 1, soon) == 1);
        for (int i = 0; i < 9; ++i) REQUIRE(send_text(client, "more"));
        CHECK(datagrams(server, 9, soon) == 9);
    }
    const auto seen = reader.seen();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].packet.destination.to_string() == net.address(family, Side::peer));
    CHECK_FALSE(seen[0].inbound);
    CHECK(seen[0].interface != 0);
    CHECK(marks.ours(seen[0].mark) == marks.generation(0));  // so that it needs no change
    const NftCounters counters = good(table.counters());
    CHECK(counters.queued >= 1);
    CHECK(counters.decided >= 9);
    CHECK(counters.rejected == 0);
    if (family == AF_INET6) CHECK(counters.neighbour >= 2);  // asked and answered
}

TEST_CASE_METHOD(Fixture, "a rejected program hears of it at once", "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    const auto table = good(NftTable::install(layout()));
    QueueReader reader(open_queue(), reject());

    SECTION("TCP") {
        const Fd server = peer_listener(family, 80);
        CHECK(connected(tcp_to(to(family, 80)), soon) == ECONNREFUSED);
        CHECK_FALSE(accepted(server, never));
    }
    SECTION("UDP") {
        const Fd server = peer_receiver(family, 53);
        const Fd client = udp_to(to(family, 53));
        (void)send_text(client, "may fail at once");
        CHECK(pending_error(client, soon) == (family == AF_INET ? EHOSTUNREACH : EACCES));
        CHECK(datagrams(server, 1, never) == 0);
    }
    CHECK(reader.count() == 1);
    CHECK(good(table.counters()).rejected == 1);
}

TEST_CASE_METHOD(Fixture, "of a dropped flow nothing gets out, and each retry is asked about",
                 "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    const auto table = good(NftTable::install(layout()));
    QueueReader reader(open_queue(), drop());
    const Fd tcp_server = peer_listener(family, 80);
    const Fd udp_server = peer_receiver(family, 53);
    const Fd client = tcp_to(to(family, 80));
    CHECK(connected(client, never) == ETIMEDOUT);
    CHECK_FALSE(accepted(tcp_server, 0));
    const Fd udp = udp_to(to(family, 53));
    for (int i = 0; i < 10; ++i) (void)send_text(udp, "no");
    CHECK(datagrams(udp_server, 1, never) == 0);
    CHECK(reader.saw(11));
    CHECK(good(table.counters()).decided == 0);
}

TEST_CASE_METHOD(Fixture, "without a reader nothing passes, or all with bypass", "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    const bool bypass_first = GENERATE(false, true);
    NftLayout start = layout();
    start.bypass = bypass_first;
    auto table = good(NftTable::install(start));
    const Fd server = peer_receiver(family, 53);

    for (const bool bypass : {bypass_first, !bypass_first, bypass_first}) {
        good(table.set_bypass(bypass));
        const Fd client = udp_to(to(family, 53));  // a new flow each time
        for (int i = 0; i < 10; ++i) (void)send_text(client, "?");
        CHECK(datagrams(server, 10, bypass ? soon : never) == (bypass ? 10 : 0));
    }
}

TEST_CASE_METHOD(Fixture, "a new generation brings the flow back with its next packet",
                 "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    auto table = good(NftTable::install(layout(0)));
    std::atomic<std::uint64_t> generation = 0;
    QueueReader reader(open_queue(), [&](const QueuedPacket& packet, const Packet& parsed) {
        return accept(generation)(packet, parsed);
    });
    const Fd server = peer_listener(family, 80);
    const Fd client = tcp_to(to(family, 80));
    REQUIRE(connected(client, soon) == 0);
    const Fd served = accepted(server, soon);
    REQUIRE(reader.count() == 1);

    good(table.set_generation(marks.generation(1)));
    REQUIRE(send_text(client, "asked about, answered under the old generation"));
    REQUIRE(reader.saw(2));
    REQUIRE(bytes(served, 46, soon) == 46);
    const std::size_t before = reader.count();  // the peer's acknowledgement may be among them
    REQUIRE(send_text(client, "asked about again, for that marked nothing"));
    REQUIRE(reader.saw(before + 1));
    generation = 1;
    REQUIRE(send_text(client, "now it is decided"));
    REQUIRE(bytes(served, 42 + 17, soon) == 42 + 17);
    REQUIRE(send_text(served, "both ways"));
    REQUIRE(bytes(client, 9, soon) == 9);
    const std::size_t after = reader.count();
    REQUIRE(send_text(client, "not asked about"));
    REQUIRE(bytes(served, 15, soon) == 15);
    CHECK(reader.count() == after);
    CHECK(reader.error().empty());
}

TEST_CASE_METHOD(Fixture, "inbound flows are decided too, and their answers known as such",
                 "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    auto table = good(NftTable::install(layout()));
    const Fd server = listener(family, 80);
    const Peer here{family, net.address(family, Side::here), 80};

    SECTION("accept") {
        QueueReader reader(open_queue(), [](const QueuedPacket& packet, const Packet& parsed) {
            return accept(marks.ours(packet.mark) == marks.generation(1) ? 1 : 0)(packet, parsed);
        });
        net.enter(Side::peer);
        const Fd client = tcp_to(here);
        net.enter(Side::here);
        REQUIRE(connected(client, soon) == 0);
        const Fd served = accepted(server, soon);
        REQUIRE(reader.count() == 1);
        CHECK(reader.seen()[0].inbound);
        CHECK(reader.seen()[0].interface != 0);
        CHECK(marks.ours(reader.seen()[0].mark) == marks.generation(0));
        good(table.set_generation(marks.generation(1)));
        REQUIRE(send_text(served, "against the direction of the flow"));
        REQUIRE(reader.saw(2));
        CHECK_FALSE(reader.seen()[1].inbound);
        CHECK(marks.ours(reader.seen()[1].mark) == marks.reply());
    }
    SECTION("reject") {
        QueueReader reader(open_queue(), reject());
        net.enter(Side::peer);
        CHECK(connected(tcp_to(here), soon) == ECONNREFUSED);
        net.enter(Side::here);
        CHECK_FALSE(accepted(server, never));
    }
    SECTION("drop") {
        QueueReader reader(open_queue(), drop());
        net.enter(Side::peer);
        CHECK(connected(tcp_to(here), never) == ETIMEDOUT);
        net.enter(Side::here);
        CHECK_FALSE(accepted(server, never));
    }
}

TEST_CASE_METHOD(Fixture, "loopback passes unasked, or is decided like all else",
                 "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    const Peer self{family, family == AF_INET ? "127.0.0.1" : "::1", 5353};
    const Fd udp_server = receiver(family, 5353);
    const Fd tcp_server = listener(family, 5353);
    NftLayout wanted = layout();

    SECTION("passes") {
        const auto table = good(NftTable::install(wanted));
        // The mark that accepted packets carry, put there by a socket: must mark no flow.
        const Fd client = udp_to(self, marks.generation(0));
        REQUIRE(send_text(client, "hello"));
        CHECK(datagrams(udp_server, 1, soon) == 1);
        CHECK(good(table.counters()).loopback == 2);  // out and in
        for (const TrackedFlow& flow : good(good(Conntrack::open()).list())) CHECK(flow.mark == 0);
    }
    SECTION("decided: the largest datagrams there are") {
        wanted.filter_loopback = true;
        const auto table = good(NftTable::install(wanted));
        QueueReader reader(open_queue(), accept());
        for (std::size_t wave = 1; wave <= 3; ++wave) {
            const Fd client = udp_to(self);
            REQUIRE(send_text(client, std::string(family == AF_INET ? 65507 : 65487, 'x')));
            REQUIRE(datagrams(udp_server, 1, soon) == 1);
            CHECK(reader.count() == wave);
        }
        CHECK(reader.seen()[0].size > 65400);
        CHECK(reader.counters().malformed == 0);
        CHECK(good(table.counters()).loopback == 0);
    }
    SECTION("decided: a refusal arrives, though it travels over lo itself") {
        wanted.filter_loopback = true;
        const auto table = good(NftTable::install(wanted));
        QueueReader reader(open_queue(), reject());
        CHECK(connected(tcp_to(self), soon) == ECONNREFUSED);
        const Fd udp = udp_to(self);
        (void)send_text(udp, "no");
        CHECK(pending_error(udp, soon) == (family == AF_INET ? EHOSTUNREACH : EACCES));
        CHECK(reader.count() == 2);
        CHECK(datagrams(udp_server, 1, never) == 0);
        CHECK_FALSE(accepted(tcp_server, 0));
    }
}

}  // namespace doorward::test
