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
#include "rules/named_sets.hpp"
#include "rules/rule_pack.hpp"

namespace doorward {

class RuleCompiler {
public:
    RuleCompiler(const std::vector<std::shared_ptr<const RulePack>>& packs,
                 const Environment& environment)
        : packs_(packs), environment_(environment),
          resolve_path_(environment.path_resolver ? environment.path_resolver() : environment.resolve_path) {}

    // Errors: a name twice, a set, profile, user or group that does not exist, a list that can't be
    // read. Each names its place.
    Result<void> run();

    CompiledRules rules;
    Terms terms;

private:
    using Packed = RulePack::PackedTerm;
    using Form = CompiledTerm::Form;

    // A text as written and without symbolic links, by their numbers: the same one if there are none.
    struct Path {
        std::uint32_t written = 0;
        std::uint32_t real = 0;
    };
    struct Profile {
        std::uint32_t number = 0;      // of terms.profiles
        const Place* place = nullptr;
    };

    Result<void> collect_definitions();
    Result<void> add_profile(const ProfileDefinition& profile);
    Result<void> add_rule(const RulePack& pack, const RulePack::PackedRule& rule);
    Result<CompiledTerm> compile(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make(const RulePack& pack, const Packed& term);

    // What one plain value comes to; nothing: it is not that simple.
    std::optional<CompiledTerm> make_plain(Condition condition, std::string_view text);
    // The same of a few plain addresses, ports or names.
    std::optional<CompiledTerm> make_few(const RulePack& pack, const Packed& term);
    CompiledTerm make_path(Condition condition, std::string_view text);
    Result<CompiledTerm> make_texts(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_numbers(const RulePack& pack, const Packed& term);
    static CompiledTerm make_injected(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_group(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_times(const RulePack& pack, const Packed& term);
    Result<CompiledTerm> make_profiles(const RulePack& pack, const Packed& term);

    Result<std::uint32_t> number_of(Condition condition, std::string_view text, Place place) const;

    // A text that lives as long as `terms`.
    std::string_view own(std::string_view text);
    std::uint32_t text_number(std::string_view text);
    const Path& path(std::string_view text);

    const std::vector<std::shared_ptr<const RulePack>>& packs_;
    const Environment& environment_;
    const std::function<std::string(const std::string&)> resolve_path_;
    NamedSets sets_{environment_};
    std::map<std::string_view, Profile> profiles_;
    std::unordered_map<std::string, CompiledTerm> known_;  // by condition and values
    std::unordered_map<std::string_view, std::uint32_t> text_numbers_;
    std::unordered_map<std::string_view, Path> paths_;
    std::string key_;
};

}  // namespace doorward
