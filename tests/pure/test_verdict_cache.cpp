// SPDX-License-Identifier: GPL-2.0-or-later
// The cache of verdicts, with a kernel that is plain memory.
#include <catch2/catch.hpp>

#include <cstring>
#include <map>
#include <random>

#include "fwd/verdict_cache.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

Inputs keyed() {
    Inputs inputs;
    inputs.add(Input::executable);
    inputs.add(Input::remote_port);
    return inputs;
}

// Gives verdicts as bpf/verdicts.h does.
struct Kernel {
    std::vector<dw_verdict_slot> slots;
    dw_verdict_state state{};
    std::map<std::string, std::uint32_t> index;
    bool refuses = false;

    static std::string bytes(const dw_verdict_key& key) {
        return {reinterpret_cast<const char*>(&key), sizeof(key)};
    }
    VerdictMemory memory(std::size_t capacity) {
        slots.resize(capacity);
        return VerdictMemory(
            slots, state,
            [this](const dw_verdict_key& key, std::uint32_t slot) {
                if (refuses) return false;
                index[bytes(key)] = slot;
                return true;
            },
            [this](const dw_verdict_key& key) { index.erase(bytes(key)); });
    }
    // 0: not known.
    std::uint64_t give(const dw_verdict_key& key, std::uint32_t pid, std::uint64_t now_ns) {
        const auto found = index.find(bytes(key));
        if (state.generation == 0 || now_ns > state.until_ns || found == index.end()) return 0;
        dw_verdict_slot& slot = slots.at(found->second);
        if (slot.state >> DW_VERDICT_BITS != state.generation) return 0;
        if ((slot.state & DW_VERDICT_DENY) && state.denials == 0) return 0;
        if (std::memcmp(&slot.key, &key, sizeof(key)) != 0) return 0;
        if (slot.who.pid != pid) slot.by_others = 1;
        slot.count++;
        return slot.state & ((1 << DW_VERDICT_BITS) - 1);
    }
};

struct Fixture {
    Kernel kernel;
    VerdictCache cache;
    std::vector<Decided> rows;
    std::uint64_t now_ns = 100 * second;

    explicit Fixture(std::size_t capacity = 8) : cache(kernel.memory(capacity)) {
        cache.resume(1);
        collect();
    }
    VerdictCache::Sink sink() {
        return [this](Decided&& row) { rows.push_back(std::move(row)); };
    }
    void collect(std::uint64_t later_ns = second) {
        now_ns += later_ns;
        cache.collect(now_ns, static_cast<std::int64_t>(now_ns / 1000), sink());
    }
    static Decided decided(std::uint16_t port, std::uint32_t pid = 10, Action verdict = Action::accept) {
        auto process = std::make_shared<Process>();
        process->pid = pid;
        process->exe = "/usr/bin/curl";
        process->command_line = "curl -s";
        Decided made;
        made.process = process;
        made.flow.process = made.process.get();
        made.flow.protocol = Protocol::tcp;
        made.flow.remote = Address::v4(0xc0000201);
        made.flow.remote_port = port;
        made.flow.local = Address::v4(0xc0000202);
        made.flow.local_port = 40000;
        made.verdict = made.decision = verdict;
        made.identity = 5;
        made.latency_ns = 9;
        return made;
    }
    void remember(const Decided& what, std::uint64_t generation = 1) {
        cache.remember(what, keyed(), generation, now_ns, sink());
    }
    std::uint64_t give(std::uint16_t port, std::uint32_t pid = 10) {
        return kernel.give(*verdict_key(decided(port), keyed()), pid, now_ns);
    }
};

}  // namespace

TEST_CASE("what was decided is given again and counted", "[verdicts]") {
    Fixture test;
    CHECK(test.give(80) == 0);
    test.remember(Fixture::decided(80));
    test.remember(Fixture::decided(81, 10, Action::reject));
    for (int i = 0; i < 3; ++i) CHECK(test.give(80) == DW_VERDICT_ACCEPT);
    CHECK(test.give(81) == DW_VERDICT_DENY);
    CHECK(test.give(82) == 0);
    CHECK(test.rows.empty());
    test.collect();
    REQUIRE(test.rows.size() == 2);
    const bool first = test.rows[0].flow.remote_port == 80;
    const Decided& row = test.rows[first ? 0 : 1];
    CHECK(row.count == 3);
    CHECK(row.repeat);
    CHECK(row.verdict == Action::accept);
    CHECK(row.process->pid == 10);
    CHECK(row.flow.process == row.process.get());
    CHECK(row.flow.local == Address::v4(0));
    CHECK(row.flow.local_port == 0);
    CHECK(row.latency_ns == -1);
    CHECK(row.time_us == static_cast<std::int64_t>(test.now_ns / 1000));
    test.collect();
    CHECK(test.rows.size() == 2);  // nothing since
    CHECK(test.cache.counters().given == 4);
    CHECK(test.cache.counters().entries == 2);
}

TEST_CASE("what several processes were given names none of them", "[verdicts]") {
    Fixture test;
    test.remember(Fixture::decided(80, 10));
    test.give(80, 10);
    test.collect();
    test.give(80, 11);
    test.collect();
    REQUIRE(test.rows.size() == 2);
    CHECK(test.rows[0].process->pid == 10);
    const Process& both = *test.rows[1].process;
    CHECK(both.pid == 0);
    CHECK(both.exe == "/usr/bin/curl");
    CHECK(both.command_line.empty());
    CHECK(test.rows[1].flow.process == &both);
}

TEST_CASE("a new generation makes all verdicts stale at once", "[verdicts]") {
    Fixture test;
    test.remember(Fixture::decided(80));
    test.give(80);
    test.cache.suspend();
    CHECK(test.give(80) == 0);
    test.cache.resume(2);
    CHECK(test.give(80) == 0);
    // A decision under the old rules that comes late is not kept.
    test.remember(Fixture::decided(81), 1);
    CHECK(test.give(81) == 0);
    // The count of the old one is told before its place is taken, with what it was.
    test.remember(Fixture::decided(80, 10, Action::drop), 2);
    REQUIRE(test.rows.size() == 1);
    CHECK(test.rows[0].verdict == Action::accept);
    CHECK(test.give(80) == DW_VERDICT_DENY);
    test.collect();
    REQUIRE(test.rows.size() == 2);
    CHECK(test.rows[1].verdict == Action::drop);
}

TEST_CASE("entries of old generations go, and their rules with them", "[verdicts]") {
    Fixture test;
    Decided decided = Fixture::decided(80);
    std::weak_ptr<const Process> held = decided.process;
    test.remember(decided);
    decided = {};
    test.give(80);
    test.cache.suspend();
    test.cache.resume(2);
    CHECK_FALSE(held.expired());
    test.collect();
    test.collect();
    CHECK(test.rows.size() == 1);
    test.rows.clear();
    CHECK(held.expired());
    CHECK(test.kernel.index.empty());
    CHECK(test.cache.counters().entries == 0);
}

TEST_CASE("without a daemon that collects, nothing is given for long", "[verdicts]") {
    Fixture test;
    test.remember(Fixture::decided(80));
    test.now_ns += VerdictCache::alive_ns;
    CHECK(test.give(80) == DW_VERDICT_ACCEPT);
    test.now_ns += 1;
    CHECK(test.give(80) == 0);
    test.collect(0);
    CHECK(test.give(80) == DW_VERDICT_ACCEPT);
}

TEST_CASE("the longest unused make room", "[verdicts]") {
    Fixture test(8);
    for (std::uint16_t port = 1; port <= 8; ++port) test.remember(Fixture::decided(port));
    test.remember(Fixture::decided(9));
    CHECK(test.give(9) == 0);
    CHECK(test.cache.counters().no_room == 1);
    for (int i = 0; i < 3; ++i) {
        for (std::uint16_t port = 3; port <= 8; ++port) CHECK(test.give(port) == DW_VERDICT_ACCEPT);
        test.collect();
    }
    // The two that were not used are gone, one eighth and one more at a time.
    CHECK(test.cache.counters().displaced == 2);
    CHECK(test.give(1) == 0);
    CHECK(test.give(2) == 0);
    CHECK(test.give(3) == DW_VERDICT_ACCEPT);
    test.collect();
    test.remember(Fixture::decided(9));
    CHECK(test.give(9) == DW_VERDICT_ACCEPT);
}

TEST_CASE("a kernel that takes no entry costs nothing but the entry", "[verdicts]") {
    Fixture test(2);
    test.kernel.refuses = true;
    for (int i = 0; i < 5; ++i) test.remember(Fixture::decided(80));
    CHECK(test.cache.counters().no_room == 5);
    test.kernel.refuses = false;
    test.remember(Fixture::decided(80));
    test.remember(Fixture::decided(81));
    CHECK(test.give(80) == DW_VERDICT_ACCEPT);
    CHECK(test.give(81) == DW_VERDICT_ACCEPT);
}

TEST_CASE("without memory nothing is kept", "[verdicts]") {
    VerdictCache cache{VerdictMemory()};
    cache.resume(1);
    cache.remember(Fixture::decided(80), keyed(), 1, 0, [](Decided&&) { FAIL(); });
    cache.collect(1, 1, [](Decided&&) { FAIL(); });
    cache.suspend();
    CHECK(cache.counters().capacity == 0);
}

// Whatever is done in whatever order: the rows add up to what was given, and nothing is given that was
// not decided under the generation in force.
TEST_CASE("counts are exact and verdicts are of the generation in force", "[verdicts]") {
    std::mt19937 source(4872);
    const auto random = [&] { return static_cast<std::uint32_t>(source()); };
    Fixture test(16);
    std::uint64_t generation = 1, given = 0;
    std::map<std::uint16_t, Action> decided;  // under the generation in force
    for (int step = 0; step < 100'000; ++step) {
        const auto port = static_cast<std::uint16_t>(random() % 40);
        const unsigned what = random() % 100;
        if (what < 30) {
            const Action action = random() % 2 ? Action::accept : Action::reject;
            if (!decided.contains(port)) decided[port] = action;
            test.remember(Fixture::decided(port, random() % 3 + 1, decided[port]), generation);
        } else if (what < 90) {
            const std::uint64_t verdict = test.give(port, random() % 3 + 1);
            given += verdict != 0;
            if (verdict == 0) continue;
            REQUIRE(decided.contains(port));
            REQUIRE(verdict == (decided[port] == Action::accept ? DW_VERDICT_ACCEPT : DW_VERDICT_DENY));
        } else if (what < 98) {
            test.collect(random() % (2 * second));
        } else {
            test.cache.suspend();
            test.cache.resume(++generation);
            decided.clear();
        }
    }
    test.collect();
    std::uint64_t told = 0;
    for (const Decided& row : test.rows) told += row.count;
    CHECK(told == given);
    test.cache.suspend();
    test.cache.resume(++generation);
    for (int i = 0; i < 3; ++i) test.collect();
    CHECK(test.kernel.state.denials == 0);
    CHECK(test.kernel.index.empty());
    CHECK(given > 10'000);
    CHECK(test.cache.counters().given == given);
    CHECK(test.cache.counters().displaced > 0);
}
