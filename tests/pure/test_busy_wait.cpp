// SPDX-License-Identifier: GPL-2.0-or-later
// When the packet thread looks for packets without sleeping.
#include <catch2/catch.hpp>

#include "fwd/busy_wait.hpp"
#include "fwd/run_delay.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t quick_ns = 50'000, drowsy_ns = 180'000, slow_ns = 300'000;

// Packets that come one after the other, to a thread that has to wait for a processor so much of the time.
struct Packets {
    explicit Packets(std::uint64_t percent) : delay_percent(percent) {}

    void come(std::uint64_t after_ns, int count = 1) {
        for (int i = 0; i < count; ++i) {
            awake = wait.until_ns(now_ns) > now_ns;
            now_ns += after_ns;
            delayed_ns += after_ns * delay_percent / 100;
            wait.served(now_ns, now_ns, own);
        }
    }
    // Whether the thread would have looked for the last packet.
    bool looked(std::uint64_t after_ns) {
        come(after_ns);
        return awake;
    }
    void settle() { come(quick_ns, 8000); }  // 400 ms

    std::uint64_t delay_percent;
    std::uint64_t delayed_ns = 0;
    std::uint64_t now_ns = 1'000'000'000'000;
    bool own = true;
    bool measured = true;
    bool awake = false;
    BusyWait wait{[this]() -> std::optional<std::uint64_t> {
        return measured ? std::optional(delayed_ns) : std::nullopt;
    }};
};

}  // namespace

TEST_CASE("packets that come quickly are looked for by a thread that has its processor") {
    for (const std::uint64_t percent : {0, 9, 21}) {
        Packets packets(percent);
        packets.settle();
        CHECK(packets.looked(quick_ns));
        CHECK(packets.wait.until_ns(packets.now_ns) == packets.now_ns + BusyWait::most_ns);
    }
}

TEST_CASE("where it waits for one, it does not keep it, and not for a while") {
    for (const std::uint64_t percent : {30, 50, 100}) {
        Packets packets(percent);
        packets.settle();
        CHECK_FALSE(packets.looked(quick_ns));
    }
    Packets packets(10);
    packets.settle();
    CHECK(packets.looked(quick_ns));
    packets.delay_percent = 40;
    packets.settle();
    CHECK_FALSE(packets.looked(quick_ns));
    packets.delay_percent = 0;
    packets.settle();
    CHECK_FALSE(packets.looked(quick_ns));
    packets.come(quick_ns, static_cast<int>(BusyWait::rest_ns / quick_ns));
    CHECK(packets.looked(quick_ns));
}

TEST_CASE("a packet that takes its time ends the looking, until others have come quickly") {
    Packets packets(0);
    packets.settle();
    CHECK(packets.looked(slow_ns));  // in vain
    for (std::uint32_t i = 0; i < BusyWait::quick_batches; ++i) CHECK_FALSE(packets.looked(quick_ns));
    CHECK(packets.looked(quick_ns));
}

TEST_CASE("what is slept for may take longer, by as much as waking does") {
    Packets packets(0);
    packets.come(drowsy_ns, 3000);
    int looked = 0;
    for (std::uint32_t i = 0; i < 10 * (BusyWait::quick_batches + 1); ++i) looked += packets.looked(drowsy_ns);
    CHECK(looked == 10);  // each in vain
    for (std::uint32_t i = 0; i <= BusyWait::quick_batches && !packets.looked(drowsy_ns); ++i) {}
    packets.come(drowsy_ns, BusyWait::quick_batches);
    for (int i = 0; i < 100; ++i) CHECK(packets.looked(quick_ns));
}

TEST_CASE("packets that come slowly are slept for") {
    Packets packets(0);
    for (int i = 0; i < 1000; ++i) CHECK_FALSE(packets.looked(slow_ns));
    // Nor is it looked longer than once, if none comes at all.
    packets.settle();
    packets.now_ns += slow_ns;
    CHECK(packets.wait.until_ns(packets.now_ns) < packets.now_ns);
}

TEST_CASE("what others send is not looked for") {
    Packets packets(0);
    packets.own = false;
    packets.settle();
    CHECK_FALSE(packets.looked(quick_ns));
    packets.own = true;
    packets.settle();
    CHECK(packets.looked(quick_ns));
    packets.own = false;
    packets.come(quick_ns);
    CHECK_FALSE(packets.looked(quick_ns));
}

TEST_CASE("what is not known is no thread that has its processor") {
    Packets packets(0);
    packets.measured = false;
    packets.settle();
    CHECK_FALSE(packets.looked(quick_ns));
    packets.measured = true;
    packets.settle();
    CHECK(packets.looked(quick_ns));
    // What was asked before a pause is too old.
    packets.now_ns += 3'600'000'000'000;
    packets.come(quick_ns, 40);
    CHECK_FALSE(packets.looked(quick_ns));

    BusyWait never;
    for (std::uint64_t now_ns = 1000; now_ns < 100'000; now_ns += 100) {
        never.served(now_ns, now_ns, true);
        CHECK(never.until_ns(now_ns) == 0);
    }
}

TEST_CASE("the kernel's file says how long a thread was delayed") {
    CHECK(run_delay_of("124124 2386904 2\n") == 2386904);
    CHECK(run_delay_of("0 0 1\n") == 0);
    CHECK(run_delay_of("18446744073709551615 18446744073709551615 1\n") == 18446744073709551615u);
    for (const char* text : {"", "\n", "0 0 0\n", "1", "1 ", "1 2", "1 2\n", "1 2 3", "1 2 0\n", "1  2 3\n", "x 2 3\n", "1 x 3\n", "1 -2 3\n",
                             "1 99999999999999999999 3\n"})
        CHECK_FALSE(run_delay_of(text));
    const auto own = RunDelay::open();
    REQUIRE(own);
    CHECK(own->ns());
}
