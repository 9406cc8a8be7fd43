// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_export.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rules/imported.hpp"
#include "rules/rule_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

// The keys of a rule that a group can have, below a dash: without name and action.
std::string group_text(const std::vector<Term>& terms) {
    Rule shared;
    shared.name = "shared";
    shared.terms = terms;
    std::string text = format_rule(shared);
    text.erase(0, text.find('\n') + 1);
    const auto action = text.rfind("  action: ");
    text.erase(action);
    text[0] = '-';
    return text + "  rules:\n";
}

void add_rule(std::string& out, Rule rule, const std::string& origin) {
    std::size_t indent = 2;
    auto layers = term_layers(rule);
    out += "  # " + comment_from(origin) + "\n";
    for (std::size_t at = 0; at + 1 < layers.size(); ++at) {
        add_indented(out, group_text(layers[at]), indent);
        indent += 4;
    }
    rule.terms = std::move(layers.back());
    add_indented(out, format_rule(rule), indent);
}

void add_list(std::string& out, const char* key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    out += fmt::format("    {}:\n", key);
    for (const std::string& value : values) out += fmt::format("      - {}\n", quoted_if_needed(value));
}

void add_set(std::string& out, const SetDefinition& set) {
    std::vector<std::string> values;
    for (const Value& value : set.values) values.push_back(value.text);
    out += "  " + quoted_if_needed(set.name) + ":\n";
    add_list(out, std::string(set_kind_name(set.kind)).c_str(), values);
}

void add_profile(std::string& out, const ProfileDefinition& profile) {
    out += "  " + quoted_if_needed(profile.name) + ":\n";
    add_list(out, "gateway", profile.gateways);
    add_list(out, "gateway_mac", profile.gateway_macs);
    add_list(out, "interface", profile.interfaces);
    add_list(out, "domain", profile.domains);
}

}  // namespace

std::vector<std::vector<Term>> term_layers(const Rule& rule) {
    std::size_t deepest = 1;
    const auto alike = [](const Term& a, const Term& b) {
        return a.condition == b.condition && a.negated == b.negated;
    };
    for (std::size_t first = 0, at = 0; at < rule.terms.size(); ++at) {
        if (!alike(rule.terms[first], rule.terms[at])) first = at;
        deepest = std::max(deepest, at - first + 1);
    }
    std::vector<std::vector<Term>> layers(deepest);
    // Those of one kind stand together; the last of them is the rule's own.
    for (std::size_t end = rule.terms.size(); end > 0;) {
        std::size_t layer = deepest;
        const Term& last = rule.terms[end - 1];
        while (end > 0 && alike(rule.terms[end - 1], last)) {
            Term term = rule.terms[--end];
            term.inherited = false;
            auto& row = layers[--layer];
            row.insert(row.begin(), std::move(term));
        }
    }
    return layers;
}

std::string export_rules(const Ruleset& rules, const std::function<std::string(std::uint32_t)>& origin) {
    std::string sets, profiles;
    for (const auto& pack : rules.packs()) {
        for (const SetDefinition& set : pack->sets()) add_set(sets, set);
        for (const ProfileDefinition& profile : pack->profiles()) add_profile(profiles, profile);
    }
    std::string out = fmt::format("# Rules in force: {}. Below, where each was written.\n\n", rules.size());
    if (!sets.empty()) out += "sets:\n" + sets;
    if (!profiles.empty()) out += "profiles:\n" + profiles;
    out += rules.size() == 0 ? "rules: []\n" : "rules:\n";
    for (std::uint32_t at = 0; at < rules.size(); ++at) add_rule(out, rules.rule(at), origin(at));
    return out;
}

}  // namespace doorward
