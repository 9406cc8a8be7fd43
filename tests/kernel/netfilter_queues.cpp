// SPDX-License-Identifier: GPL-2.0-or-later
// Several queues: which packets wait together.
#include "tests/kernel/netfilter_fixture.hpp"

#include <deque>
#include <memory>
#include <set>

#include <arpa/inet.h>

namespace doorward::test {
namespace {

constexpr std::uint16_t queues = 4;

NftLayout several(bool bypass = false) {
    NftLayout out = layout();
    out.queues = queues;
    out.bypass = bypass;
    return out;
}

// A reader of each queue.
class Readers {
public:
    explicit Readers(const QueueReader::Decide& decide) {
        for (std::uint16_t i = 0; i < queues; ++i)
            readers_.emplace_back(good(PacketQueue::open(queue_number + i, 1024)), decide);
    }

    std::size_t count() const {
        std::size_t all = 0;
        for (const QueueReader& reader : readers_) all += reader.count();
        return all;
    }
    bool saw(std::size_t wanted) const {
        for (int i = 0; i < 500 && count() < wanted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return count() == wanted;
    }
    std::vector<Seen> seen(std::size_t queue) const { return readers_[queue].seen(); }

private:
    std::deque<QueueReader> readers_;
};

struct Flow {
    std::uint16_t local, remote;
    auto operator<=>(const Flow&) const = default;
};

Flow flow_of(const Seen& seen) {
    const Packet& packet = seen.packet;
    return seen.inbound ? Flow{packet.destination_port, packet.source_port}
                        : Flow{packet.source_port, packet.destination_port};
}

// Of a socket that has a port, to an address and port.
bool send_to(const Fd& socket, const Peer& to) {
    sockaddr_storage address{};
    socklen_t length = sizeof(sockaddr_in);
    if (to.family == AF_INET) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
        *v4 = {.sin_family = AF_INET, .sin_port = htons(to.port), .sin_addr = {}, .sin_zero = {}};
        inet_pton(AF_INET, to.address.c_str(), &v4->sin_addr);
    } else {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(to.port);
        inet_pton(AF_INET6, to.address.c_str(), &v6->sin6_addr);
        length = sizeof(sockaddr_in6);
    }
    return sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), length) == 1;
}

}  // namespace

// Dropped, so that no packet makes a flow that the next would belong to.
TEST_CASE_METHOD(Fixture, "a flow's packets of both directions wait in one queue", "[netfilter]") {
    const int family = GENERATE(AF_INET, AF_INET6);
    const auto table = good(NftTable::install(several()));
    const Readers readers(drop());
    std::size_t sent = 0;
    for (std::uint16_t local = 2000; local < 2008; ++local)
        for (std::uint16_t remote = 3000; remote < 3008; ++remote) {
            const Fd here = receiver(family, local);
            const Fd peer = peer_receiver(family, remote);
            REQUIRE(send_to(here, to(family, remote)));
            REQUIRE(send_to(peer, {family, net.address(family, Side::here), local}));
            sent += 2;
        }
    REQUIRE(readers.saw(sent));
    std::set<Flow> all;
    for (std::size_t queue = 0; queue < queues; ++queue) {
        std::set<Flow> out, in;
        for (const Seen& seen : readers.seen(queue)) (seen.inbound ? in : out).insert(flow_of(seen));
        CHECK(out == in);
        CHECK(out.size() == 64 / queues);
        all.merge(out);
    }
    CHECK(all.size() == 64);
}

// connect() takes ports that are alike in the last bit.
TEST_CASE_METHOD(FixtureV4, "connections of one program to one place are spread over the queues", "[netfilter]") {
    const auto table = good(NftTable::install(several()));
    const Readers readers(accept());
    const Fd server = peer_listener(AF_INET, 80);
    std::vector<Fd> ends;
    for (int i = 0; i < 100; ++i) {
        ends.push_back(tcp_to(to(AF_INET, 80)));
        REQUIRE(connected(ends.back(), soon) == 0);
        ends.push_back(accepted(server, soon));
    }
    CHECK(readers.count() == 100);
    for (std::size_t queue = 0; queue < queues; ++queue) CHECK(readers.seen(queue).size() > 5);
}

TEST_CASE_METHOD(FixtureV4, "what has no ports waits in the first queue", "[netfilter]") {
    const auto table = good(NftTable::install(several()));
    const Readers readers(accept());
    for (int i = 0; i < 4; ++i) run("ping -c 1 -W 5 " + to(AF_INET, 0).address);
    CHECK(readers.count() == 4);
    CHECK(readers.seen(0).size() == 4);
}

TEST_CASE_METHOD(FixtureV4, "without readers nothing passes any of the queues, and with bypass all of them",
                 "[netfilter]") {
    const bool bypass = GENERATE(false, true);
    auto table = good(NftTable::install(several(!bypass)));
    good(table.set_bypass(bypass));
    const Fd server = peer_receiver(AF_INET, 53);
    for (int i = 0; i < 32; ++i) {
        const Fd client = udp_to(to(AF_INET, 53));
        (void)send_text(client, "x");
    }
    CHECK(datagrams(server, 32, bypass ? soon : never) == (bypass ? 32 : 0));
}

}  // namespace doorward::test
