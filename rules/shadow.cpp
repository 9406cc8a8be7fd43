// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/shadow.hpp"

#include <algorithm>
#include <ranges>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

namespace doorward {

namespace {

using Values = std::span<const RulePack::PackedValue>;
using PackedTerm = RulePack::PackedTerm;

constexpr std::size_t few_values = 16;

// A bit for each condition and polarity that a rule has terms of.
std::uint64_t bit_of(const PackedTerm& term) {
    return std::uint64_t{1} << (2 * static_cast<unsigned>(term.condition) + term.negated);
}
static_assert(2 * static_cast<unsigned>(Condition::expires) + 1 < 64);

struct Candidate {
    RuleOfPack rule;
    std::uint64_t kinds = 0;
};

class Finder {
public:
    Finder(const ResolvePath& resolve, std::int64_t now, std::size_t most_steps)
        : resolve_(resolve), now_(now), most_steps_(most_steps) {}

    DeadRules run(const Ruleset::Packs& packs) {
        each_rule(packs, [this](const RuleOfPack& rule) { count(rule); });
        each_rule(packs, [this](const RuleOfPack& rule) { look_at(rule); });
        return std::move(found_);
    }

private:
    void each_rule(const Ruleset::Packs& packs, auto take) {
        for (const auto& pack : packs)
            for (std::size_t at = 0; at < pack->size(); ++at)
                if (const RuleOfPack rule{pack.get(), at}; rule.packed().enabled) take(rule);
    }

    bool has_expired(const RuleOfPack& rule) const {
        return rule.packed().may_expire && rule.packed().expires <= now_;
    }

    static std::span<const PackedTerm> terms(const RuleOfPack& rule) {
        return rule.pack->terms(rule.packed());
    }

    static std::uint64_t kinds(const RuleOfPack& rule) {
        std::uint64_t out = 0;
        for (const PackedTerm& term : terms(rule)) out |= bit_of(term);
        return out;
    }

    static std::uint64_t key(const RuleOfPack& rule, const PackedTerm& term,
                             const RulePack::PackedValue& value) {
        return wide_key(term.condition, rule.pack->text(value.text));
    }

    // How many rules stand under each key, so that each can be filed where fewest others are.
    void count(const RuleOfPack& rule) {
        for (const PackedTerm& term : terms(rule)) {
            if (term.negated) continue;
            for (const auto& value : rule.pack->values(term)) ++counts_[key(rule, term, value)];
        }
    }

    void look_at(const RuleOfPack& rule) {
        if (has_expired(rule)) return found_.rules.push_back({rule, {}});
        if (const Candidate* by = covering(rule)) return found_.rules.push_back({rule, by->rule});
        file(rule);
    }

    // Under all values of one term: what is covered has one that is met by these alone.
    void file(const RuleOfPack& rule) {
        const auto number = static_cast<std::uint32_t>(rules_.size());
        rules_.push_back({rule, kinds(rule)});
        const PackedTerm* best = nullptr;
        std::uint32_t least = 0;
        for (const PackedTerm& term : terms(rule)) {
            if (term.negated) continue;
            std::uint32_t most = 0;
            for (const auto& value : rule.pack->values(term))
                most = std::max(most, counts_[key(rule, term, value)]);
            if (best && most >= least) continue;
            best = &term;
            least = most;
        }
        if (!best) return general_.push_back(number);
        for (const auto& value : rule.pack->values(*best)) {
            auto& head = heads_[key(rule, *best, value)];
            links_.push_back({number, head});
            head = static_cast<std::uint32_t>(links_.size());
        }
    }

    const Candidate* covering(const RuleOfPack& rule) {
        const std::uint64_t kinds_here = kinds(rule);
        for (const std::uint32_t number : general_)
            if (covers_rule(rules_[number], rule, kinds_here)) return &rules_[number];
        for (const PackedTerm& term : terms(rule)) {
            if (term.negated) continue;
            const auto& first = rule.pack->values(term).front();
            keys_.clear();
            narrow_keys(term.condition, rule.pack->text(first.text), keys_);
            for (const std::uint64_t each : keys_)
                if (const Candidate* by = covering_under(each, rule, kinds_here)) return by;
        }
        return nullptr;
    }

    const Candidate* covering_under(std::uint64_t key, const RuleOfPack& rule,
                                    std::uint64_t kinds_here) {
        const auto head = heads_.find(key);
        if (head == heads_.end()) return nullptr;
        for (std::uint32_t at = head->second; at != 0; at = links_[at - 1].next) {
            const Candidate& candidate = rules_[links_[at - 1].rule];
            if (covers_rule(candidate, rule, kinds_here)) return &candidate;
        }
        return nullptr;
    }

    bool covers_rule(const Candidate& above, const RuleOfPack& rule, std::uint64_t kinds_here) {
        if (++steps_ > most_steps_) {
            found_.whole = false;
            return false;
        }
        if ((above.kinds & ~kinds_here) != 0) return false;
        const auto& a = above.rule.packed();
        const auto& b = rule.packed();
        if (a.may_expire && (!b.may_expire || a.expires < b.expires)) return false;
        return std::ranges::all_of(terms(above.rule), [&](const PackedTerm& wide) {
            return std::ranges::any_of(terms(rule), [&](const PackedTerm& narrow) {
                return wide.condition == narrow.condition && wide.negated == narrow.negated &&
                       (wide.negated ? within(rule, narrow, above.rule, wide)
                                     : within(above.rule, wide, rule, narrow));
            });
        });
    }

    // Whether each value of the narrow term is covered by one of the wide one.
    bool within(const RuleOfPack& above, const PackedTerm& wide, const RuleOfPack& rule,
                const PackedTerm& narrow) {
        const Values outer = above.pack->values(wide);
        std::unordered_set<std::string_view> known;
        if (outer.size() > few_values && steps_ <= most_steps_) {
            steps_ += outer.size();
            for (const auto& value : outer) known.insert(above.pack->text(value.text));
        }
        return std::ranges::all_of(rule.pack->values(narrow), [&](const auto& value) {
            const std::string_view text = rule.pack->text(value.text);
            if (known.contains(text)) return true;
            return std::ranges::any_of(outer, [&](const auto& each) {
                if (steps_ > most_steps_) {
                    found_.whole = false;
                    return false;
                }
                return covers(wide.condition, above.pack->text(each.text), text, resolve_, steps_);
            });
        });
    }

    struct Link {
        std::uint32_t rule;
        std::uint32_t next;  // one more than its place; 0: none
    };

    const ResolvePath& resolve_;
    std::int64_t now_;
    std::size_t most_steps_;
    std::size_t steps_ = 0;
    DeadRules found_;
    std::unordered_map<std::uint64_t, std::uint32_t> counts_;
    std::unordered_map<std::uint64_t, std::uint32_t> heads_;
    std::vector<Link> links_;
    std::vector<Candidate> rules_;         // those that are not dead
    std::vector<std::uint32_t> general_;   // without any term to file them under
    std::vector<std::uint64_t> keys_;
};

}  // namespace

DeadRules find_dead_rules(const Ruleset::Packs& packs, std::int64_t now, const ResolvePath& resolve,
                          std::size_t most_steps) {
    return Finder(resolve, now, most_steps).run(packs);
}

std::vector<std::string> warnings(const DeadRules& dead, std::size_t most) {
    std::vector<std::string> out;
    for (const DeadRule& each : dead.rules | std::views::take(most))
        out.push_back(
            each.by.pack
                ? fmt::format("{}: rule \"{}\" never matches: rule \"{}\" ({}) covers it",
                              each.rule.place().text(), each.rule.name(), each.by.name(),
                              each.by.place().text())
                : fmt::format("{}: rule \"{}\" never matches: it has expired",
                              each.rule.place().text(), each.rule.name()));
    if (dead.rules.size() > most)
        out.push_back(fmt::format("{} more rules never match (see all with: doorward rules check)",
                                  dead.rules.size() - most));
    if (!dead.whole)
        out.push_back("there are too many rules to look at all for those that never match");
    return out;
}

}  // namespace doorward
