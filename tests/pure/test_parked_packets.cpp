// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/parked_packets.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t millisecond = 1'000'000;

PendingPacket packet(std::uint32_t id, std::uint64_t inode) {
    auto process = std::make_shared<Process>();
    process->exe_inode = inode;
    PendingPacket parked;
    parked.id = id;
    parked.decided.process = std::move(process);
    return parked;
}

bool park(ParkedPackets& parked, std::uint32_t id, std::uint64_t inode, std::uint64_t now_ns = 0) {
    auto next = packet(id, inode);
    return parked.park(next, now_ns);
}

std::vector<std::uint32_t> ids(const std::vector<ParkedPackets::Taken>& taken) {
    std::vector<std::uint32_t> ids;
    for (const auto& one : taken) ids.push_back(one.packet.id);
    return ids;
}

const auto nobody_knows = [](const PendingPacket&) { return false; };
const ParkedPackets::Limits limits{.packets = 4, .of_one_file = 2, .wait_ns = 100 * millisecond};
using Ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("those whose answer is there leave, in their order; the others stay") {
    ParkedPackets parked(limits);
    for (std::uint32_t id = 1; id <= 4; ++id) REQUIRE(park(parked, id, 10 + id % 2));
    const auto taken = parked.take(0, [](const PendingPacket& one) {
        return one.decided.process->exe_inode == 11;
    });
    CHECK(ids(taken) == Ids{1, 3});
    CHECK_FALSE(taken[0].overdue);
    CHECK(parked.counters().now == 2);
    CHECK(ids(parked.take(0, [](const PendingPacket&) { return true; })) == Ids{2, 4});
    CHECK(parked.empty());
    CHECK(parked.counters().total == 4);
    CHECK(parked.counters().overdue == 0);
}

TEST_CASE("none waits longer than it may") {
    ParkedPackets parked(limits);
    REQUIRE(park(parked, 1, 1, 0));
    REQUIRE(park(parked, 2, 2, 50 * millisecond));
    CHECK(parked.take(100 * millisecond - 1, nobody_knows).empty());
    const auto taken = parked.take(100 * millisecond, nobody_knows);
    CHECK(ids(taken) == Ids{1});
    CHECK(taken[0].overdue);
    CHECK(parked.counters().overdue == 1);
    CHECK(parked.counters().now == 1);
}

TEST_CASE("an answer that comes at the last moment counts") {
    ParkedPackets parked(limits);
    REQUIRE(park(parked, 1, 1));
    const auto taken = parked.take(200 * millisecond, [](const PendingPacket&) { return true; });
    CHECK_FALSE(taken.at(0).overdue);
}

TEST_CASE("one that is parked again keeps its time and counts once") {
    ParkedPackets parked(limits);
    REQUIRE(park(parked, 1, 1));
    auto taken = parked.take(60 * millisecond, [](const PendingPacket&) { return true; });
    REQUIRE(parked.park(taken.at(0).packet, 60 * millisecond));
    CHECK(parked.counters().total == 1);
    CHECK(parked.take(100 * millisecond, nobody_knows).at(0).overdue);
}

TEST_CASE("room is bounded, and one file's share of it") {
    ParkedPackets parked(limits);
    CHECK(park(parked, 1, 7));
    CHECK(park(parked, 2, 7));
    CHECK_FALSE(park(parked, 3, 7));
    CHECK(park(parked, 4, 8));
    CHECK(park(parked, 5, 9));
    auto refused = packet(6, 10);
    CHECK_FALSE(parked.park(refused, 0));
    CHECK(refused.decided.process);  // still the caller's
    CHECK(parked.counters().refused == 2);
    CHECK(parked.counters().total == 4);
    CHECK(parked.counters().now == 4);
}

TEST_CASE("the packet thread wakes up in time") {
    ParkedPackets parked(limits);
    CHECK(parked.wait_ms(0, 250) == 250);
    REQUIRE(park(parked, 1, 1));
    CHECK(parked.wait_ms(0, 250) == 100);
    CHECK(parked.wait_ms(99 * millisecond + 1, 250) == 1);
    CHECK(parked.wait_ms(101 * millisecond, 250) == 0);
    CHECK(parked.wait_ms(0, 20) == 20);
}
