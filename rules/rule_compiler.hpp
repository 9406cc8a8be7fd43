// SPDX-License-Identifier: GPL-2.0-or-later
// Packed rules → the form in which they are tried. Used by the ruleset only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/compiled_rule.hpp"
#include "rules/rule_pack.hpp"

namespace doorward {

class RuleCompiler {
public:
    RuleCompiler(const std::vector<std::shared_ptr<const RulePack>>& packs,
                 const Environment& environment)
        : packs_(packs), environment_(environment) {}

    // Errors: a name twice, a set, profile, user or group that does not exist, a list that can't be
    // read. Each names its place.
    Result<void> run();

    std::vector<CompiledRule> rules;
    Terms terms;

private:
    using Packed = RulePack::PackedTerm;
    using Form = CompiledTerm::Form;

    struct Set {
        const SetDefinition* definition = nullptr;
        enum class State : std::uint8_t { fresh, open, done } state = State::fresh;
        ValueGroup group;
    };

    Result<void> collect_definitions();
    Result<void> add_rule(const RulePack& pack, const RulePack::PackedRule& rule);
    Result<CompiledTerm> compile(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make(const RulePack& pack, const Packed& term);

    // What one plain value comes to; nothing: it is not that simple.
    std::optional<CompiledTerm> make_plain(Condition condition, std::string_view text);
    // The same of a few plain addresses, ports or names.
    std::optional<CompiledTerm> make_few(const RulePack& pack, const Packed& term);
    CompiledTerm make_path(Condition condition, std::string_view path);
    Result<CompiledTerm> make_texts(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_numbers(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_group(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_times(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_profiles(const RulePack& pack, const Packed& term);

    Result<std::uint32_t> number_of(Condition condition, std::string_view text, Place place) const;
    Result<const ValueGroup*> set_named(std::string_view name, SetKind kind, const Place& place);
    Result<ValueGroup> make_set(const SetDefinition& definition);

    // A text that lives as long as `terms`.
    std::string_view own(std::string text);
    std::uint32_t text_number(std::string_view text);
    std::string_view resolved(std::string_view path);

    const std::vector<std::shared_ptr<const RulePack>>& packs_;
    const Environment& environment_;
    std::map<std::string, Set, std::less<>> sets_;
    std::map<std::string, const ProfileDefinition*, std::less<>> profiles_;
    std::unordered_map<std::string, CompiledTerm> known_;  // by condition and values
    std::unordered_map<std::string_view, std::uint32_t> text_numbers_;
    // As written and as resolved, by their numbers.
    std::unordered_map<std::string_view, std::pair<std::uint32_t, std::uint32_t>> paths_;
    std::unordered_map<std::string_view, std::string_view> resolved_;
    std::string key_;
};

}  // namespace doorward
