// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/packet_reader.hpp"

using namespace doorward;

TEST_CASE("there is a queue for each four processors, and their number is a power of two") {
    for (const int few : {0, 1, 2, 4, 7}) CHECK(queues_for(few, 4870) == 1);
    CHECK(queues_for(8, 4870) == 2);
    CHECK(queues_for(15, 4870) == 2);
    CHECK(queues_for(16, 4870) == 4);
    for (const int many : {32, 64, 1024}) CHECK(queues_for(many, 4870) == 8);
}

TEST_CASE("there are no more queues than numbers for them") {
    CHECK(queues_for(64, 65528) == 8);
    CHECK(queues_for(64, 65529) == 4);
    CHECK(queues_for(64, 65534) == 2);
    CHECK(queues_for(64, 65535) == 1);
}
