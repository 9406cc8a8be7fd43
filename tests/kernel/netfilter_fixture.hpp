// SPDX-License-Identifier: GPL-2.0-or-later
// What the netfilter tests share: a fresh pair of namespaces, the table, and ways to answer.
#pragma once

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "fwd/nft_table.hpp"
#include "tests/kernel/net_pair.hpp"
#include "tests/kernel/queue_reader.hpp"

namespace doorward::test {

inline constexpr std::uint16_t queue_number = 77;
inline const Marks marks{0x7f000000};

// Long enough for a slow guest where something must come; short where nothing may.
inline constexpr int soon = 5000;
inline constexpr int never = 300;

inline NftLayout layout(std::uint64_t generation = 0) {
    NftLayout out;
    out.queue = queue_number;
    out.marks = marks;
    out.generation_mark = marks.generation(generation);
    return out;
}

template <class T>
T good(Result<T> result) {
    if (!result) FAIL(result.error().text());
    return std::move(*result);
}

inline void good(const Result<void>& result) {
    if (!result) FAIL(result.error().text());
}

inline QueueReader::Decide accept(std::uint64_t generation = 0) {
    return [=](const QueuedPacket& packet, const Packet&) {
        return QueueVerdict{true, marks.merge(packet.mark, marks.generation(generation))};
    };
}

inline QueueReader::Decide reject() {
    return [](const QueuedPacket& packet, const Packet&) {
        return QueueVerdict{true, marks.merge(packet.mark, marks.reject())};
    };
}

inline QueueReader::Decide drop() {
    return [](const QueuedPacket&, const Packet&) { return QueueVerdict{}; };
}

inline PacketQueue open_queue(std::uint32_t max_packets = 1024) {
    return good(PacketQueue::open(queue_number, max_packets));
}

struct Fixture {
    NetPair net;

    explicit Fixture(Families families = Families::both) : net(families) {}

    Peer to(int family, std::uint16_t port) const {
        return {family, net.address(family, Side::peer), port};
    }
    Fd peer_listener(int family, std::uint16_t port) const {
        net.enter(Side::peer);
        Fd fd = listener(family, port);
        net.enter(Side::here);
        return fd;
    }
    Fd peer_receiver(int family, std::uint16_t port) const {
        net.enter(Side::peer);
        Fd fd = receiver(family, port);
        net.enter(Side::here);
        return fd;
    }
};

struct FixtureV4 : Fixture {
    FixtureV4() : Fixture(Families::v4) {}
};

}  // namespace doorward::test
