// SPDX-License-Identifier: GPL-2.0-or-later
// Random rulesets and flows: the compiled ruleset against the naive scan.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <new>

#include "oracle.hpp"
#include "rules/ruleset.hpp"

using namespace doorward;

namespace {

thread_local std::uint64_t allocations = 0;

constexpr int rulesets = 2000;
constexpr int flows_each = 25;
constexpr std::uint64_t first_seed = 4870;

constexpr Condition in_order[] = {Condition::enabled, Condition::direction, Condition::protocol,
                                  Condition::app,     Condition::user,      Condition::to,
                                  Condition::port,    Condition::group,     Condition::unit,
                                  Condition::slice,   Condition::container, Condition::parent,
                                  Condition::script,  Condition::domain,    Condition::from,
                                  Condition::package, Condition::verity,    Condition::sha256,
                                  Condition::expires};

struct Case {
    std::vector<Rule> rules;
    Defaults defaults;
    std::shared_ptr<const Ruleset> compiled;
};

const Environment& environment() {
    static const Environment value = oracle::test_environment();
    return value;
}

Case make_case(oracle::Generator& generator) {
    Case result;
    result.rules = generator.rules(12);
    result.defaults = generator.defaults();
    result.compiled = Ruleset::compile(result.rules, result.defaults, environment()).value();
    return result;
}

std::size_t position(const Case& test, const Rule* rule) {
    return static_cast<std::size_t>(rule - test.compiled->rules().data());
}

void check_trials(const Case& test, const std::vector<Trial>& trials, const Flow& flow,
                  std::int64_t now) {
    for (std::size_t i = 0; i < trials.size(); ++i) {
        REQUIRE(position(test, trials[i].rule) == i);
        for (const auto condition : in_order) {
            const bool expected = condition != trials[i].failed;
            INFO("rule " << i << " condition " << condition_name(condition));
            REQUIRE(oracle::holds(test.rules[i], condition, flow, now, environment()) == expected);
            if (!expected) break;
        }
    }
}

}  // namespace

// Counts what this executable allocates, so that a test can show that decide() does not. All forms
// for single objects, since a sanitizer brings its own of those that are missing and then finds that
// they don't go together.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("decide and explain agree with the naive scan") {
    int by_rule = 0;
    for (std::uint64_t seed = first_seed; seed < first_seed + rulesets; ++seed) {
        INFO("seed " << seed);
        oracle::Generator generator(seed);
        const Case test = make_case(generator);
        for (int i = 0; i < flows_each; ++i) {
            INFO("flow " << i);
            const Flow flow = generator.flow();
            const auto now = generator.now();
            const auto expected =
                oracle::decide(test.rules, test.defaults, flow, now, environment());
            const auto decision = test.compiled->decide(flow, now);
            REQUIRE(decision.action == expected.action);
            REQUIRE((decision.rule != nullptr) == expected.rule.has_value());
            if (decision.rule) REQUIRE(position(test, decision.rule) == *expected.rule);
            by_rule += decision.rule != nullptr;

            const auto trials = test.compiled->explain(flow, now);
            REQUIRE(trials.size() == (expected.rule ? *expected.rule + 1 : test.rules.size()));
            check_trials(test, trials, flow, now);
        }
    }
    CHECK(by_rule > rulesets * flows_each / 4);
    CHECK(by_rule < rulesets * flows_each * 9 / 10);
}

TEST_CASE("inputs that a decision does not depend on can change without changing it") {
    int changed = 0;
    for (std::uint64_t seed = first_seed; seed < first_seed + rulesets; ++seed) {
        INFO("seed " << seed);
        oracle::Generator generator(seed);
        const Case test = make_case(generator);
        for (int i = 0; i < flows_each; ++i) {
            INFO("flow " << i);
            Flow flow = generator.flow();
            auto now = generator.now();
            const auto before = test.compiled->decide(flow, now);
            for (int variant = 0; variant < 4; ++variant) {
                generator.change_all_but(flow, now, before.depends_on);
                const auto after = test.compiled->decide(flow, now);
                REQUIRE(after.action == before.action);
                REQUIRE(after.rule == before.rule);
                REQUIRE(after.depends_on.bits() == before.depends_on.bits());
                ++changed;
            }
        }
    }
    CHECK(changed == rulesets * flows_each * 4);
}

TEST_CASE("deciding allocates nothing") {
    oracle::Generator generator(7);
    const auto counted = allocations;
    const Case test = make_case(generator);
    CHECK(allocations > counted);  // the counter works
    for (int i = 0; i < 200; ++i) {
        const Flow flow = generator.flow();
        const auto before = allocations;
        const auto decision = test.compiled->decide(flow, 1000);
        const auto after = allocations;
        REQUIRE(after == before);
        REQUIRE((decision.rule == nullptr || decision.action == decision.rule->action));
    }
}
