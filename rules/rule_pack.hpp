// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of one file, packed: some 150 bytes each instead of 700, and in a form that can be kept on
// disk. Immutable once built; shared between rulesets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "rules/rule.hpp"

namespace doorward {

class RulePack {
public:
    using TextId = std::uint32_t;  // of a text(); the same text has the same one

    struct PackedValue {
        TextId text = 0;
        std::uint32_t line = 0;
        std::uint32_t column = 0;
    };

    struct PackedTerm {
        std::uint32_t first = 0;  // of values()
        std::uint32_t count = 0;
        Condition condition = Condition::none;
        bool negated = false;
        bool inherited = false;
        std::uint8_t unused = 0;
    };

    struct PackedRule {
        std::int64_t expires = 0;
        TextId name = 0;
        TextId comment = 0;
        std::uint32_t first_term = 0;
        std::uint32_t terms = 0;
        std::uint32_t first_tag = 0;  // of values()
        std::uint32_t tags = 0;
        std::uint32_t line = 0;
        std::uint32_t column = 0;
        Action action = Action::drop;
        LogLevel log = LogLevel::audit;
        bool enabled = true;
        bool may_expire = false;
        std::uint32_t unused = 0;
    };

    const std::string& file() const { return file_; }
    std::size_t size() const { return rules_.size(); }
    std::string_view text(TextId id) const;
    std::size_t texts() const { return ends_.size(); }

    const PackedRule& packed(std::size_t at) const { return rules_[at]; }
    std::span<const PackedTerm> terms(const PackedRule& rule) const;
    std::span<const PackedValue> values(const PackedTerm& term) const;
    Place place(std::uint32_t line, std::uint32_t column) const;
    Place place(const PackedRule& rule) const { return place(rule.line, rule.column); }

    Rule rule(std::size_t at) const;
    std::vector<Rule> rules() const;
    const std::vector<SetDefinition>& sets() const { return sets_; }
    const std::vector<ProfileDefinition>& profiles() const { return profiles_; }

    // Where the first item of the list of rules begins, be it a rule or a group; nothing if empty.
    const Place& first_item() const { return first_item_; }

    std::size_t memory() const;  // bytes

private:
    friend class RulePackBuilder;
    friend class RulePackCodec;

    bool sound() const;
    static std::string_view condition_name_of(const PackedTerm& term);

    std::string file_;
    std::string arena_;                // all texts, one behind the other
    std::vector<std::uint32_t> ends_;  // of each text in the arena
    std::vector<PackedValue> values_;
    std::vector<PackedTerm> terms_;
    std::vector<PackedRule> rules_;
    std::vector<SetDefinition> sets_;
    std::vector<ProfileDefinition> profiles_;
    Place first_item_;
};

class RulePackBuilder {
public:
    // 4 GiB of text, values or terms are more than a folder may have (see RuleFileLimits).
    explicit RulePackBuilder(std::string file);

    void add(const Rule& rule);
    void add(SetDefinition set) { pack_->sets_.push_back(std::move(set)); }
    void add(ProfileDefinition profile) { pack_->profiles_.push_back(std::move(profile)); }
    void set_first_item(Place place) { pack_->first_item_ = std::move(place); }

    std::shared_ptr<const RulePack> finish();  // once, as the last

private:
    // Texts are known by their number alone, and hashed and compared as what they say.
    struct Hash {
        using is_transparent = void;
        const RulePack* pack;
        std::size_t operator()(RulePack::TextId id) const { return (*this)(pack->text(id)); }
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    struct Equal {
        using is_transparent = void;
        const RulePack* pack;
        std::string_view view(RulePack::TextId id) const { return pack->text(id); }
        std::string_view view(std::string_view text) const { return text; }
        bool operator()(auto a, auto b) const { return view(a) == view(b); }
    };

    RulePack::TextId intern(std::string_view text);
    void add_value(const Value& value);

    std::shared_ptr<RulePack> pack_;
    std::unordered_set<RulePack::TextId, Hash, Equal> known_;
};

}  // namespace doorward
