// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ruleset.hpp"

#include <algorithm>

#include "rules/compiled_rule.hpp"
#include "rules/rule_compiler.hpp"
#include "rules/rule_index.hpp"

namespace doorward {

namespace {

bool asks_network_in(const CompiledRule& rule, const Terms& terms) {
    for (std::size_t at = 0; at < rule.terms; ++at) {
        const CompiledTerm& term = terms.term(rule, at);
        if (term.condition == Condition::profile || term.condition == Condition::interface) return true;
        const bool address = term.condition == Condition::to || term.condition == Condition::from;
        if (address && term.form == CompiledTerm::Form::group && terms.groups[term.a].asks_network())
            return true;
    }
    return false;
}

}  // namespace

struct Ruleset::Impl {
    Packs packs;
    std::vector<std::uint32_t> begins;  // position of each pack's first rule
    Defaults defaults;
    CompiledRules rules;
    Terms terms;
    RuleIndex index;
    bool asks_network = false;

    const RulePack& pack_of(std::uint32_t position) const { return *packs[pack_number(position)]; }
    const RulePack::PackedRule& packed(std::uint32_t position) const {
        const std::size_t pack = pack_number(position);
        return packs[pack]->packed(position - begins[pack]);
    }

    std::size_t pack_number(std::uint32_t position) const {
        const auto after = std::ranges::upper_bound(begins, position);
        return static_cast<std::size_t>(after - begins.begin()) - 1;
    }
};

Result<std::shared_ptr<const Ruleset>> Ruleset::compile(Packs packs, Defaults defaults,
                                                        const Environment& environment) {
    auto impl = std::make_unique<Impl>();
    impl->packs = std::move(packs);
    impl->defaults = defaults;
    RuleCompiler compiler(impl->packs, environment);
    if (auto done = compiler.run(); !done) return std::unexpected(done.error());
    std::uint32_t begin = 0;
    for (const auto& pack : impl->packs) {
        impl->begins.push_back(begin);
        begin += static_cast<std::uint32_t>(pack->size());
    }
    impl->rules = std::move(compiler.rules);
    impl->terms = std::move(compiler.terms);
    impl->index = RuleIndex(impl->rules, impl->terms);
    impl->asks_network = std::ranges::any_of(impl->rules, [&](const CompiledRule& rule) {
        return rule.enabled && asks_network_in(rule, impl->terms);
    });
    return std::shared_ptr<const Ruleset>(new Ruleset(std::move(impl)));
}

Result<std::shared_ptr<const Ruleset>> Ruleset::compile(const std::vector<Rule>& rules,
                                                        Defaults defaults,
                                                        const Environment& environment) {
    Packs packs;
    for (std::size_t at = 0; at < rules.size();) {
        const std::string& file = rules[at].place.file;
        RulePackBuilder builder(file);
        for (; at < rules.size() && rules[at].place.file == file; ++at) builder.add(rules[at]);
        packs.push_back(builder.finish());
    }
    return compile(std::move(packs), defaults, environment);
}

Ruleset::Ruleset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ruleset::~Ruleset() = default;

std::size_t Ruleset::size() const { return impl_->rules.size(); }
const Ruleset::Packs& Ruleset::packs() const { return impl_->packs; }
const Defaults& Ruleset::defaults() const { return impl_->defaults; }

Rule Ruleset::rule(std::uint32_t position) const {
    const std::size_t pack = impl_->pack_number(position);
    return impl_->packs[pack]->rule(position - impl_->begins[pack]);
}

std::string_view Ruleset::name(std::uint32_t position) const {
    return impl_->pack_of(position).text(impl_->packed(position).name);
}

Place Ruleset::place(std::uint32_t position) const {
    return impl_->pack_of(position).place(impl_->packed(position));
}

LogLevel Ruleset::log(std::uint32_t position) const { return impl_->packed(position).log; }
Action Ruleset::action(std::uint32_t position) const { return impl_->packed(position).action; }

std::optional<std::uint32_t> Ruleset::find(std::string_view name) const {
    for (std::uint32_t position = 0; position < size(); ++position)
        if (this->name(position) == name) return position;
    return std::nullopt;
}

bool Ruleset::asks_network() const { return impl_->asks_network; }

std::vector<std::string> Ruleset::profiles_in(const Network& network) const {
    std::vector<std::string> names;
    for (const CompiledProfile& profile : impl_->terms.profiles)
        if (profile.holds(network)) names.emplace_back(profile.name);
    return names;
}

std::size_t Ruleset::memory() const {
    std::size_t bytes = sizeof(Impl) + impl_->rules.capacity() * sizeof(CompiledRule) +
                        impl_->terms.memory() + impl_->index.memory();
    for (const auto& pack : impl_->packs) bytes += pack->memory();
    return bytes;
}

Decision Ruleset::decide(const Flow& flow, const Surroundings& around) const {
    Decision decision;
    Candidates order;
    impl_->index.candidates(flow, order);
    order.look_ahead([&](std::uint32_t at) { __builtin_prefetch(&impl_->rules[at]); });
    for (auto at = order.next(); at != Candidates::end; at = order.next()) {
        const CompiledRule& rule = impl_->rules[at];
        const Unmet unmet =
            first_unmet(rule, impl_->terms, flow, around, decision.depends_on);
        if (unmet.condition != Condition::none) continue;
        decision.action = rule.action;
        decision.rule = at;
        impl_->index.note(flow, at, decision.depends_on);
        return decision;
    }
    decision.depends_on.add(Input::direction);
    impl_->index.note(flow, Candidates::end, decision.depends_on);
    decision.action = impl_->defaults.of(flow.direction);
    return decision;
}

std::vector<Trial> Ruleset::explain(const Flow& flow, const Surroundings& around) const {
    std::vector<Trial> trials;
    Inputs inputs;
    for (std::uint32_t at = 0; at < size(); ++at) {
        const Unmet unmet = first_unmet(impl_->rules[at], impl_->terms, flow, around, inputs);
        trials.push_back({at, unmet.condition, unmet.negated});
        if (unmet.condition == Condition::none) break;
    }
    return trials;
}

Facts unanswered(const Decision& decision, const Flow& flow) {
    if (!flow.process) return {};  // no file to look into
    Facts facts;
    if (decision.depends_on.has(Input::sha256)) facts.add(Fact::sha256);
    if (decision.depends_on.has(Input::verity)) facts.add(Fact::verity);
    if (decision.depends_on.has(Input::package)) facts.add(Fact::package);
    return flow.content ? facts.without(flow.content->asked) : facts;
}

}  // namespace doorward
