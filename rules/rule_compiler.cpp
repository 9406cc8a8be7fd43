// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_compiler.hpp"

#include <limits>

#include <fmt/format.h>

#include "rules/condition_text.hpp"

namespace doorward {

namespace {

// More values than that are looked up, fewer are tried one by one.
constexpr std::size_t most_tried = 8;

std::uint32_t number(std::size_t size) { return static_cast<std::uint32_t>(size); }

Result<void> check_names(const std::vector<std::shared_ptr<const RulePack>>& packs) {
    // Positions in a row of all rules, hashed and compared as their names.
    std::size_t count = 0;
    for (const auto& pack : packs) count += pack->size();
    std::unordered_map<std::string_view, std::pair<const RulePack*, std::size_t>> seen;
    seen.reserve(count);
    for (const auto& pack : packs)
        for (std::size_t at = 0; at < pack->size(); ++at) {
            const auto name = pack->text(pack->packed(at).name);
            const auto [first, fresh] = seen.emplace(name, std::pair(pack.get(), at));
            if (fresh) continue;
            const auto& [other, where] = first->second;
            return fail(fmt::format("rule name \"{}\" is taken: it is first used in {}", name,
                                    other->place(other->packed(where)).text()),
                        "give one of the two another name", pack->place(pack->packed(at)));
        }
    return {};
}

}  // namespace

Result<void> RuleCompiler::run() {
    std::size_t count = 0;
    for (const auto& pack : packs_) count += pack->size();
    if (count >= std::numeric_limits<std::uint32_t>::max() / 2)
        return fail("more rules than can be numbered", "split them between hosts");
    if (auto unique = check_names(packs_); !unique) return unique;
    if (auto done = collect_definitions(); !done) return done;
    rules.reserve(count);
    text_numbers_.reserve(count);
    paths_.reserve(count);
    for (const auto& pack : packs_)
        for (std::size_t at = 0; at < pack->size(); ++at)
            if (auto done = add_rule(*pack, pack->packed(at)); !done) return done;
    return sets_.make_all();
}

Result<void> RuleCompiler::collect_definitions() {
    for (const auto& pack : packs_) {
        for (const SetDefinition& set : pack->sets())
            if (auto added = sets_.add(set); !added) return added;
        for (const ProfileDefinition& profile : pack->profiles())
            if (auto added = add_profile(profile); !added) return added;
    }
    return {};
}

Result<void> RuleCompiler::add_profile(const ProfileDefinition& profile) {
    const auto [at, fresh] =
        profiles_.emplace(profile.name, Profile{number(terms.profiles.size()), &profile.place});
    if (!fresh) return defined_twice("profile", profile.name, *at->second.place, profile.place);
    CompiledProfile compiled;
    compiled.name = profile.name;
    for (const std::string& text : profile.gateways)
        if (const auto address = Address::parse(text)) compiled.gateways.push_back(*address);
        else return fail(fmt::format("\"{}\" is no address", text), {}, profile.place);
    compiled.gateway_macs.assign(profile.gateway_macs.begin(), profile.gateway_macs.end());
    for (const std::string& text : profile.interfaces)
        if (!is_pattern(Condition::interface, text)) compiled.interfaces.plain.push_back(text);
        else if (auto added = compiled.interfaces.add_pattern(text); !added)
            return fail(added.error().what, added.error().remedy, profile.place);
    compiled.interfaces.sort();
    compiled.domains.assign(profile.domains.begin(), profile.domains.end());
    terms.profiles.push_back(std::move(compiled));
    return {};
}

Result<void> RuleCompiler::add_rule(const RulePack& pack, const RulePack::PackedRule& rule) {
    CompiledRule compiled;
    if (rule.terms > std::numeric_limits<std::uint8_t>::max())
        return fail("this rule has too many conditions", "split its groups", pack.place(rule));
    compiled.terms = static_cast<std::uint8_t>(rule.terms);
    compiled.rest = number(terms.rest.size());
    compiled.action = rule.action;
    compiled.enabled = rule.enabled;
    if (rule.may_expire) compiled.expires = rule.expires;
    std::size_t at = 0;
    for (const Packed& term : pack.terms(rule)) {
        auto made = compile(pack, term);
        if (!made) return std::unexpected(made.error());
        if (at < CompiledRule::own_terms) compiled.first[at++] = *made;
        else terms.rest.push_back(*made);
    }
    rules.push_back(compiled);
    return {};
}

// Equal conditions of many rules are made once; those of one plain value are as cheap to make again.
Result<CompiledTerm> RuleCompiler::compile(const RulePack& pack, const Packed& term) {
    if (term.count == 1) {
        const std::string_view text = pack.text(pack.values(term).front().text);
        if (auto made = make_plain(term.condition, text)) {
            made->negated = term.negated;
            return *made;
        }
    }
    if (term.count > 1 && term.count <= most_tried)
        if (auto made = make_few(pack, term)) {
            made->negated = term.negated;
            return *made;
        }
    key_.assign(1, static_cast<char>(term.condition));
    for (const auto& value : pack.values(term)) {
        key_ += '\n';
        key_ += pack.text(value.text);
    }
    auto found = known_.find(key_);
    if (found == known_.end()) {
        auto made = make(pack, term);
        if (!made) return made;
        found = known_.emplace(key_, *made).first;
    }
    CompiledTerm compiled = found->second;
    compiled.negated = term.negated;
    return compiled;
}

std::string_view RuleCompiler::own(std::string_view text) {
    return terms.own_texts.emplace_back(text);
}

std::uint32_t RuleCompiler::text_number(std::string_view text) {
    const auto [at, fresh] = text_numbers_.emplace(text, 0);
    if (fresh) at->second = terms.add_text(text);
    return at->second;
}

}  // namespace doorward
