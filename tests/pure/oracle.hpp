// SPDX-License-Identifier: GPL-2.0-or-later
// What the compiled ruleset must agree with: rules tried one by one from the top, each condition by
// the simplest code that can express it. Shares nothing with the matcher, the index or the globs.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ruleset.hpp"

namespace doorward::oracle {

// Textbook recursion; exponential for hostile patterns, so only for small ones.
bool glob_matches(std::string_view pattern, std::string_view text);

// What rules are made of, beside the rules.
struct World {
    std::vector<SetDefinition> sets;
    std::vector<ProfileDefinition> profiles;
    Environment environment;
};

enum class Answer { no, yes, neither };

// Whether a flow has one of the term's values, its negation aside.
Answer has(const Term& term, const Flow& flow, const Surroundings& around, const World& world);

// Whether the condition is met: by all terms of this kind. `enabled` and `expires` have none.
bool holds(const Rule& rule, Condition condition, bool negated, const Flow& flow,
           const Surroundings& around, const World& world);

struct Verdict {
    Action action = Action::drop;
    std::optional<std::size_t> rule;  // position; nothing: the default
};

Verdict decide(const std::vector<Rule>& rules, const Defaults& defaults, const Flow& flow,
               const Surroundings& around, const World& world);

// Users alice (1000), bob (1001) and root; groups wheel (10) and users (100); /usr/bin/python3 and
// /bin/curl are symbolic links.
Environment test_environment();

// Sets and profiles over the generator's values, and that environment.
const World& test_world();

// The rules and all that they refer to, compiled.
std::shared_ptr<const Ruleset> compile(const std::vector<Rule>& rules, const Defaults& defaults,
                                       const World& world);

// Random rules and flows over so few values that rules overlap and flows often match.
class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    std::vector<Rule> rules(std::size_t most);
    Defaults defaults();
    // The flow points into this object: one flow at a time.
    Flow flow();
    Surroundings surroundings();  // points into this object, too
    // Changes at random what `kept` does not name. The same process object is changed in place.
    void change_all_but(Flow& flow, Surroundings& around, Inputs kept);

private:
    std::size_t below(std::size_t end);
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class T, std::size_t N>
    const T& pick(const T (&values)[N]) {
        return values[below(N)];
    }
    Rule rule(std::size_t number);
    template <std::size_t N>
    void add(Rule& rule, Condition condition, unsigned percent, const char* const (&values)[N]);
    void set_executable();
    void set_process(Flow& flow);
    void set_identity(Inputs kept);
    void set_names(Flow& flow);
    void set_content(Flow& flow);
    void change_content(Flow& flow, Inputs kept);

    std::mt19937_64 random_;
    Process process_;
    std::vector<std::string_view> names_;
    ExecutableContent content_;
    Network network_;
};

}  // namespace doorward::oracle
