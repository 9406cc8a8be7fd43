// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/handovers.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

dw_process_key process(std::uint32_t pid) {
    dw_process_key key{};
    key.pid = pid;
    return key;
}

// B has had the tuple since 11 s, A last sent at 10 s.
dw_binding handed_over() {
    dw_binding binding{};
    binding.who = process(2);
    binding.before = process(1);
    binding.before_ns = 10 * second;
    binding.since_ns = 11 * second;
    return binding;
}

Flow flow(std::uint16_t port) {
    Flow flow;
    flow.protocol = Protocol::udp;
    flow.local_port = port;
    return flow;
}

}  // namespace

TEST_CASE("a packet may be the former owner's while it can still be waiting") {
    Handovers handovers(8);
    CHECK(handovers.ambiguous(flow(1), handed_over(), 10 * second));
    CHECK(handovers.ambiguous(flow(1), handed_over(), 10 * second + second / 20));
}

TEST_CASE("a tuple that nobody had before is nobody else's") {
    Handovers handovers(8);
    dw_binding binding = handed_over();
    binding.before = {};
    CHECK_FALSE(handovers.ambiguous(flow(1), binding, 0));
}

TEST_CASE("once the queue has been empty since, the packet is the new owner's") {
    Handovers handovers(8);
    CHECK_FALSE(handovers.ambiguous(flow(1), handed_over(), 11 * second + 1));
    CHECK_FALSE(handovers.ambiguous(flow(1), handed_over(), 10 * second + second / 2));
}

TEST_CASE("the queue keeps the order: after the former owner's last packet comes the new owner's") {
    Handovers handovers(8);
    handovers.named(flow(1), process(1), 9 * second);  // an earlier packet than its last
    CHECK(handovers.ambiguous(flow(1), handed_over(), 9 * second));
    handovers.named(flow(1), process(1), 10 * second + 1);
    CHECK_FALSE(handovers.ambiguous(flow(1), handed_over(), 9 * second));
    CHECK(handovers.ambiguous(flow(2), handed_over(), 9 * second));  // another flow
    handovers.named(flow(2), process(2), 11 * second);
    CHECK_FALSE(handovers.ambiguous(flow(2), handed_over(), 9 * second));
}
