// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/temporary_rules.hpp"

#include <algorithm>

namespace doorward {
namespace {

constexpr std::string_view place_begin = "(until ";

std::shared_ptr<const RulePack> pack_of(const Rule& rule, const Lifetime& lifetime) {
    RulePackBuilder builder(TemporaryRules::place_name(lifetime));
    builder.add(rule);
    return builder.finish();
}

// It was written nowhere.
Rule without_places(Rule rule) {
    rule.place = {};
    for (Term& term : rule.terms)
        for (Value& value : term.values) value.line = value.column = 0;
    return rule;
}

}  // namespace

const TemporaryRules::Entry* TemporaryRules::find(std::string_view name) const {
    const auto found =
        std::ranges::find(entries_, name, [](const Entry& entry) { return std::string_view(entry.rule.name); });
    return found == entries_.end() ? nullptr : &*found;
}

bool TemporaryRules::add(const Rule& rule, bool first, const Lifetime& lifetime,
                         std::shared_ptr<const Fd> process) {
    if (entries_.size() >= most) return false;
    Rule kept = without_places(rule);
    auto pack = pack_of(kept, lifetime);
    entries_.insert(first ? entries_.begin() : entries_.end(),
                    {std::move(kept), lifetime, std::move(process), first, std::move(pack)});
    return true;
}

bool TemporaryRules::remove(std::string_view name) {
    return std::erase_if(entries_, [&](const Entry& entry) { return entry.rule.name == name; }) > 0;
}

bool TemporaryRules::set_enabled(std::string_view name, bool enabled) {
    for (Entry& entry : entries_) {
        if (entry.rule.name != name) continue;
        entry.rule.enabled = enabled;
        entry.pack = pack_of(entry.rule, entry.lifetime);
        return true;
    }
    return false;
}

Ruleset::Packs TemporaryRules::around(const Ruleset::Packs& files) const {
    Ruleset::Packs packs;
    packs.reserve(entries_.size() + files.size());
    for (const Entry& entry : entries_)
        if (entry.first) packs.push_back(entry.pack);
    packs.insert(packs.end(), files.begin(), files.end());
    for (const Entry& entry : entries_)
        if (!entry.first) packs.push_back(entry.pack);
    return packs;
}

std::size_t TemporaryRules::before() const {
    return static_cast<std::size_t>(std::ranges::count(entries_, true, &Entry::first));
}

std::uint64_t TemporaryRules::position(std::string_view name, std::size_t rules) const {
    const Entry* entry = find(name);
    if (!entry) return 0;
    const auto at = static_cast<std::uint64_t>(entry - entries_.data()) + 1;
    return entry->first ? at : at + rules;
}

std::string TemporaryRules::place_name(const Lifetime& lifetime) {
    return "(" + lifetime_text(lifetime) + ")";
}

bool TemporaryRules::is_temporary(const RulePack& pack) {
    return pack.file().starts_with(place_begin);
}

}  // namespace doorward
