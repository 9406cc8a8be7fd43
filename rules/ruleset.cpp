// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ruleset.hpp"

#include <limits>

#include "rules/matcher.hpp"

namespace doorward {

namespace {

// Lets the index be asked with a view of the executable's path, without building a string.
struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
        return std::hash<std::string_view>{}(path);
    }
};

using Positions = std::vector<std::uint32_t>;  // ascending positions in the list of rules

// Walks two ascending lists as one.
class Merged {
public:
    static constexpr std::uint32_t end = std::numeric_limits<std::uint32_t>::max();

    Merged(const Positions* a, const Positions& b) : a_(a), b_(b) {}

    std::uint32_t next() {
        const auto a = a_ && i_ < a_->size() ? (*a_)[i_] : end;
        const auto b = j_ < b_.size() ? b_[j_] : end;
        if (a < b) ++i_;
        else ++j_;
        return a < b ? a : b;
    }

private:
    const Positions* a_;
    const Positions& b_;
    std::size_t i_ = 0;
    std::size_t j_ = 0;
};

}  // namespace

struct Ruleset::Impl {
    std::vector<Rule> rules;
    std::vector<CompiledRule> compiled;  // one for each rule, pointing into `rules`
    Defaults defaults;
    bool about_apps = false;             // any enabled rule has an `app`
    std::unordered_map<std::string, Positions, PathHash, std::equal_to<>> by_path;
    Positions others;                    // enabled rules that by_path can't hold

    void index(std::uint32_t position) {
        const CompiledRule& rule = compiled[position];
        if (!rule.rule->enabled) return;
        if (!rule.rule->apps.empty()) about_apps = true;
        if (!rule.only_paths()) return others.push_back(position);
        for (const auto& path : rule.paths) by_path[path].push_back(position);
    }

    const Positions* candidates(const Flow& flow) const {
        if (!flow.process) return nullptr;
        const auto found = by_path.find(std::string_view(flow.process->exe));
        return found == by_path.end() ? nullptr : &found->second;
    }
};

namespace {

Result<void> check_names(const std::vector<Rule>& rules) {
    std::unordered_map<std::string_view, const Rule*> seen;
    for (const auto& rule : rules) {
        const auto [first, fresh] = seen.emplace(rule.name, &rule);
        if (fresh) continue;
        const Place& other = first->second->place;
        return fail("rule name \"" + rule.name + "\" is taken: it is first used in " + other.file +
                        ":" + std::to_string(other.line) + ":" + std::to_string(other.column),
                    "give one of the two another name", rule.place);
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<const Ruleset>> Ruleset::compile(std::vector<Rule> rules, Defaults defaults,
                                                        const Environment& environment) {
    if (rules.size() >= Merged::end)
        return fail("more rules than can be numbered", "split them between hosts");
    if (auto unique = check_names(rules); !unique) return std::unexpected(unique.error());
    auto impl = std::make_unique<Impl>();
    impl->rules = std::move(rules);
    impl->defaults = defaults;
    impl->compiled.reserve(impl->rules.size());
    for (const auto& rule : impl->rules) {
        auto compiled = compile_rule(rule, environment);
        if (!compiled) return std::unexpected(compiled.error());
        impl->compiled.push_back(std::move(*compiled));
        impl->index(static_cast<std::uint32_t>(impl->compiled.size() - 1));
    }
    return std::shared_ptr<const Ruleset>(new Ruleset(std::move(impl)));
}

Ruleset::Ruleset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ruleset::~Ruleset() = default;

const std::vector<Rule>& Ruleset::rules() const { return impl_->rules; }
const Defaults& Ruleset::defaults() const { return impl_->defaults; }

Decision Ruleset::decide(const Flow& flow, std::int64_t now) const {
    Decision decision;
    if (impl_->about_apps) decision.depends_on.add(Input::executable);
    Merged order(impl_->candidates(flow), impl_->others);
    for (auto at = order.next(); at != Merged::end; at = order.next()) {
        const CompiledRule& compiled = impl_->compiled[at];
        if (first_unmet(compiled, flow, now, decision.depends_on) != Condition::none) continue;
        decision.action = compiled.rule->action;
        decision.rule = compiled.rule;
        return decision;
    }
    decision.depends_on.add(Input::direction);
    decision.action =
        flow.direction == Direction::out ? impl_->defaults.out : impl_->defaults.in;
    return decision;
}

std::vector<Trial> Ruleset::explain(const Flow& flow, std::int64_t now) const {
    std::vector<Trial> trials;
    Inputs inputs;
    for (const auto& compiled : impl_->compiled) {
        trials.push_back({compiled.rule, first_unmet(compiled, flow, now, inputs)});
        if (trials.back().failed == Condition::none) break;
    }
    return trials;
}

std::string_view condition_name(Condition condition) {
    switch (condition) {
        case Condition::none: return "none";
        case Condition::enabled: return "enabled";
        case Condition::direction: return "direction";
        case Condition::protocol: return "protocol";
        case Condition::app: return "app";
        case Condition::user: return "user";
        case Condition::to: return "to";
        case Condition::port: return "port";
        case Condition::group: return "group";
        case Condition::unit: return "unit";
        case Condition::slice: return "slice";
        case Condition::container: return "container";
        case Condition::parent: return "parent";
        case Condition::script: return "script";
        case Condition::from: return "from";
        case Condition::expires: return "expires";
    }
    return "none";
}

}  // namespace doorward
