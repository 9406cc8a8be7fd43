// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever a cached verdict's key does not name may change without changing the decision.
#include <catch2/catch.hpp>

#include <cstring>

#include "fwd/verdict_cache.hpp"
#include "oracle.hpp"

using namespace doorward;

namespace {

constexpr int rulesets = 2000;
constexpr int flows_each = 25;
constexpr int variants = 4;

// What the key of a verdict names; the network can't change without a new generation.
Inputs in_the_key() {
    Inputs inputs;
    for (const Input input : {Input::executable, Input::user, Input::group, Input::direction, Input::protocol,
                              Input::remote_address, Input::remote_port, Input::network, Input::injected})
        inputs.add(input);
    return inputs;
}

Decided decided_of(const Flow& flow) {
    Decided decided;
    decided.flow = flow;
    if (flow.process) decided.process = std::make_shared<Process>(*flow.process);
    decided.identity = 7;
    return decided;
}

}  // namespace

TEST_CASE("a verdict that is given again is the one that would be made", "[verdicts]") {
    oracle::Generator generator(4871);
    int kept = 0, left = 0;
    for (int r = 0; r < rulesets; ++r) {
        const auto rules = generator.rules(r % 2 ? 12 : 3);
        const auto compiled = oracle::compile(rules, generator.defaults(), oracle::test_world());
        for (int f = 0; f < flows_each; ++f) {
            Flow flow = generator.flow();
            auto around = generator.surroundings();
            const Decision first = compiled->decide(flow, around);
            const auto key = verdict_key(decided_of(flow), first.depends_on);
            ++(key ? kept : left);
            if (!key) continue;
            for (int v = 0; v < variants; ++v) {
                generator.change_all_but(flow, around, in_the_key());
                const Decision again = compiled->decide(flow, around);
                REQUIRE(again.action == first.action);
                REQUIRE(again.rule == first.rule);
                const auto same = verdict_key(decided_of(flow), again.depends_on);
                REQUIRE(same);
                REQUIRE(std::memcmp(&*key, &*same, sizeof(*key)) == 0);
            }
        }
    }
    CHECK(kept > rulesets);
    CHECK(left > rulesets);
}

TEST_CASE("what can't be given again has no key", "[verdicts]") {
    Process process;
    process.exe = "/usr/bin/curl";
    Decided decided;
    decided.process = std::make_shared<Process>(process);
    decided.flow.process = decided.process.get();
    decided.flow.protocol = Protocol::tcp;
    decided.flow.remote = Address::v4(0xc0000201);
    decided.flow.remote_port = 443;
    decided.identity = 5;
    REQUIRE(verdict_key(decided, {}));

    for (const Input input : {Input::local_address, Input::local_port, Input::time, Input::unknown_reason,
                              Input::control_group, Input::ancestors, Input::script, Input::domain,
                              Input::sha256, Input::verity, Input::package, Input::interface}) {
        Inputs inputs;
        inputs.add(input);
        CHECK_FALSE(verdict_key(decided, inputs));
    }
    const auto with = [&](auto change) {
        Decided other = decided;
        change(other);
        return verdict_key(other, {});
    };
    CHECK_FALSE(with([](Decided& d) { d.identity = 0; }));
    CHECK_FALSE(with([](Decided& d) { d.process = nullptr; }));
    CHECK_FALSE(with([](Decided& d) { d.flow.direction = Direction::in; }));
    CHECK_FALSE(with([](Decided& d) { d.flow.direction = Direction::forward; }));
    CHECK_FALSE(with([](Decided& d) { d.flow.protocol = Protocol::icmp; }));
    // Each part of the key parts keys.
    const auto differs = [&](auto change) {
        const auto key = with(change), usual = verdict_key(decided, {});
        return key && std::memcmp(&*key, &*usual, sizeof(*key)) != 0;
    };
    CHECK(differs([](Decided& d) { d.identity = 6; }));
    CHECK(differs([](Decided& d) { d.flow.protocol = Protocol::udp; }));
    CHECK(differs([](Decided& d) { d.flow.remote = Address::v4(0xc0000202); }));
    CHECK(differs([](Decided& d) { d.flow.remote_port = 80; }));
    const auto as = [&](std::uint32_t uid, std::uint32_t gid) {
        return differs([&](Decided& d) {
            auto changed = std::make_shared<Process>(process);
            changed->uid = uid;
            changed->gid = gid;
            d.process = changed;
        });
    };
    CHECK(as(1, 0));
    CHECK(as(0, 1));
    CHECK_FALSE(as(0, 0));
}
