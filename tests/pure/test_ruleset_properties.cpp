// SPDX-License-Identifier: GPL-2.0-or-later
// Random rulesets and flows: the compiled ruleset against the naive scan.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <new>

#include "oracle.hpp"
#include "rules/ruleset.hpp"

using namespace doorward;

namespace {

// ThreadSanitizer brings the operators in a library of its own, which can't be replaced.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DOORWARD_OPERATORS_ARE_TAKEN
#endif
#endif

#ifndef DOORWARD_OPERATORS_ARE_TAKEN
thread_local std::uint64_t allocations = 0;
#endif

constexpr int rulesets = 2000;
constexpr int flows_each = 25;
#ifdef DOORWARD_SANITIZED
constexpr int compared_rulesets = 2'000;   // everything is slow there
#else
constexpr int compared_rulesets = 20'000;  // a million pairs of ruleset and flow
#endif
constexpr int compared_flows = 50;
constexpr int explained = 10;              // of these flows: explaining tries every rule
constexpr std::uint64_t first_seed = 4870;

constexpr Condition in_order[] = {
    Condition::enabled, Condition::direction, Condition::protocol,  Condition::app,
    Condition::user,    Condition::to,        Condition::port,      Condition::profile,
    Condition::group,   Condition::injected,  Condition::unit,      Condition::slice,
    Condition::container, Condition::parent,  Condition::script,    Condition::domain,    Condition::from,
    Condition::interface, Condition::package, Condition::verity,    Condition::sha256,
    Condition::when,    Condition::expires};

struct Case {
    std::vector<Rule> rules;
    Defaults defaults;
    std::shared_ptr<const Ruleset> compiled;
};

Case make_case(oracle::Generator& generator) {
    Case result;
    result.rules = generator.rules(12);
    result.defaults = generator.defaults();
    result.compiled = oracle::compile(result.rules, result.defaults, oracle::test_world());
    return result;
}

// Plain comparisons, and a macro of the test framework for what differs only: a million pairs.
std::string difference(const Case& test, const std::vector<Trial>& trials, const Flow& flow,
                       const Surroundings& around) {
    for (std::size_t i = 0; i < trials.size(); ++i) {
        bool failed = false;
        for (const auto condition : in_order)
            for (const bool negated : {false, true}) {
                if (failed) break;
                failed = condition == trials[i].failed && negated == trials[i].negated;
                const bool holds = oracle::holds(test.rules[i], condition, negated, flow, around,
                                                 oracle::test_world());
                if (holds == failed)
                    return "rule " + std::to_string(i) + (negated ? " not " : " ") +
                           std::string(condition_name(condition));
            }
        if (trials[i].rule != i || failed != (trials[i].failed != Condition::none))
            return "rule " + std::to_string(i);
    }
    return {};
}

}  // namespace

#ifndef DOORWARD_OPERATORS_ARE_TAKEN
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
#endif

TEST_CASE("decide and explain agree with the naive scan") {
    int by_rule = 0;
    for (std::uint64_t seed = first_seed; seed < first_seed + compared_rulesets; ++seed) {
        oracle::Generator generator(seed);
        const Case test = make_case(generator);
        for (int i = 0; i < compared_flows; ++i) {
            const Flow flow = generator.flow();
            const auto around = generator.surroundings();
            const auto expected =
                oracle::decide(test.rules, test.defaults, flow, around, oracle::test_world());
            const auto decision = test.compiled->decide(flow, around);
            by_rule += expected.rule.has_value();
            if (decision.action != expected.action ||
                decision.rule != expected.rule.value_or(Decision::no_rule))
                FAIL("seed " << seed << " flow " << i << ": rule " << decision.rule << ", not "
                             << expected.rule.value_or(Decision::no_rule));
            if (i >= explained) continue;
            const auto trials = test.compiled->explain(flow, around);
            const auto differs = difference(test, trials, flow, around);
            const auto count = expected.rule ? *expected.rule + 1 : test.rules.size();
            if (!differs.empty() || trials.size() != count)
                FAIL("seed " << seed << " flow " << i << ": " << differs);
        }
    }
    CHECK(by_rule > compared_rulesets * compared_flows / 4);
    CHECK(by_rule < compared_rulesets * compared_flows * 9 / 10);
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
            auto around = generator.surroundings();
            const auto before = test.compiled->decide(flow, around);
            for (int variant = 0; variant < 4; ++variant) {
                generator.change_all_but(flow, around, before.depends_on);
                const auto after = test.compiled->decide(flow, around);
                REQUIRE(after.action == before.action);
                REQUIRE(after.rule == before.rule);
                REQUIRE(after.depends_on.bits() == before.depends_on.bits());
                ++changed;
            }
        }
    }
    CHECK(changed == rulesets * flows_each * 4);
}

#ifndef DOORWARD_OPERATORS_ARE_TAKEN
TEST_CASE("deciding allocates nothing") {
    oracle::Generator generator(7);
    const auto counted = allocations;
    const Case test = make_case(generator);
    CHECK(allocations > counted);  // the counter works
    for (int i = 0; i < 200; ++i) {
        const Flow flow = generator.flow();
        const auto around = generator.surroundings();
        const auto before = allocations;
        const auto decision = test.compiled->decide(flow, around);
        const auto after = allocations;
        REQUIRE(after == before);
        REQUIRE((decision.rule == Decision::no_rule ||
                 decision.action == test.compiled->action(decision.rule)));
    }
}
#endif
