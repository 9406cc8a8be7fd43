// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_edit.hpp"

#include <algorithm>

#include "rules/rule_lines.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

constexpr std::string_view rules_key = "rules:";
constexpr std::string_view enabled_key = "enabled:";

std::unexpected<Error> by_hand(const std::string& change, Place place) {
    return fail("can't " + change + " without touching the rest of the file",
                "edit the file by hand; rules that begin with \"- name: …\" on a line of their own "
                "can be changed by command",
                std::move(place));
}

Result<std::string> checked(const RuleLines& lines, const std::vector<Rule>& expected,
                            const std::string& change, const Place& place) {
    auto text = lines.join();
    const auto rules = parse_rules(text, place.file);
    if (!rules || !same_rules(*rules, expected)) return by_hand(change, place);
    return text;
}

// A file that was read, with the rule that is to be changed.
struct Target {
    std::vector<Rule> rules;
    std::size_t position = 0;
    RuleLines lines;
    RuleLines::Block block;

    const Rule& rule() const { return rules[position]; }
};

Result<Target> find_target(std::string_view text, std::string_view name, const std::string& change,
                           const std::string& file_name) {
    auto rules = parse_rules(text, file_name);
    if (!rules) return std::unexpected(rules.error());
    const auto found = std::ranges::find(*rules, name, &Rule::name);
    if (found == rules->end())
        return fail("there is no rule \"" + std::string(name) + "\" in this file",
                    "see the names with: doorward rules list", {file_name, 0, 0});
    RuleLines lines(text);
    const auto block = lines.block_at(found->place);
    if (!block) return by_hand(change, found->place);
    const auto position = static_cast<std::size_t>(found - rules->begin());
    return Target{std::move(*rules), position, std::move(lines), *block};
}

// Blank lines stood on both sides of what was removed: keep those of one side.
void erase_block(RuleLines& lines, RuleLines::Block block, bool first_rule) {
    auto from = block.comments;
    auto to = block.last;
    while (to < lines.size() && lines.is_blank(to)) ++to;
    const bool last_in_file = to == lines.size();
    const bool blank_before = from > 0 && lines.is_blank(from - 1);
    if (!last_in_file && !blank_before && !first_rule) to = block.last;
    if (last_in_file)
        while (from > 0 && lines.is_blank(from - 1)) --from;
    lines.erase(from, to);
}

// The line of the block's "enabled:" key, with the column of that key's text.
struct KeyLine {
    std::size_t line;
    std::size_t value;  // column at which the value starts
};

std::optional<KeyLine> find_enabled(const RuleLines& lines, const RuleLines::Block& block) {
    for (auto at = block.first; at < block.last; ++at) {
        const auto content = lines.content(at);
        if (at != block.first && lines.indent(at) != block.keys) continue;
        const auto keys = content.substr(std::min(block.keys, content.size()));
        if (!keys.starts_with(enabled_key)) continue;
        const auto value = content.find_first_not_of(' ', block.keys + enabled_key.size());
        return KeyLine{at, std::min(value, content.size())};
    }
    return std::nullopt;
}

void write_enabled(RuleLines& lines, const RuleLines::Block& block, bool enabled) {
    const std::string word = enabled ? "true" : "false";
    if (const auto key = find_enabled(lines, block)) {
        const std::string content(lines.content(key->line));
        const auto end = std::min(content.find_first_of(" \t", key->value), content.size());
        lines.replace(key->line, content.substr(0, key->value) + word + content.substr(end));
        return;
    }
    // After the first key, whose value may go on over more deeply indented lines.
    auto at = block.first + 1;
    while (at < block.last && !lines.is_blank(at) && lines.indent(at) > block.keys) ++at;
    lines.insert(at, std::string(enabled_key) + ' ' + word + '\n', block.keys);
}

// A file without rules: after "rules:", in place of "rules: []", or as a new list at the end.
// Returns false where "rules:" is followed by something else.
bool insert_only(RuleLines& lines, const Rule& rule) {
    std::size_t at = 0;
    while (at < lines.size() && !lines.content(at).substr(lines.indent(at)).starts_with(rules_key))
        ++at;
    if (at == lines.size()) {
        lines.insert(at, std::string(rules_key) + '\n', 0);
        lines.insert(lines.size(), format_rule(rule), 2);
        return true;
    }
    const std::string content(lines.content(at));
    const auto key_end = lines.indent(at) + rules_key.size();
    const auto value = content.find_first_not_of(" \t", key_end);
    auto rest = value == std::string::npos ? std::string() : content.substr(value);
    if (rest.starts_with("[]")) {
        rest.erase(0, 2);
        lines.replace(at, content.substr(0, key_end) + rest);
    } else if (!rest.empty() && rest[0] != '#') {
        return false;
    }
    lines.insert(at + 1, format_rule(rule), lines.indent(at) + 2);
    return true;
}

// Follows the file's habit of separating rules by a blank line, or not.
void insert_before(RuleLines& lines, const RuleLines::Block& first, const std::vector<Rule>& rules,
                   const Rule& rule) {
    bool separated = first.comments != first.first;
    if (rules.size() > 1)
        if (const auto second = lines.block_at(rules[1].place))
            separated = lines.is_blank(second->comments - 1);
    lines.insert(first.comments, format_rule(rule) + (separated ? "\n" : ""), first.dash);
}

}  // namespace

Result<std::string> insert_first(std::string_view text, const Rule& rule,
                                 const std::string& file_name) {
    const auto change = "add rule \"" + rule.name + '"';
    const auto pack = parse_rule_pack(text, file_name);
    if (!pack) return std::unexpected(pack.error());
    auto rules = (*pack)->rules();
    const auto same_name = std::ranges::find(rules, rule.name, &Rule::name);
    if (same_name != rules.end())
        return fail("there is a rule \"" + rule.name + "\" already",
                    "choose another name, or remove that rule first", same_name->place);
    const auto alone = parse_rules("rules:\n" + format_rule(rule), file_name);
    if (!alone) return fail(alone.error().what, alone.error().remedy);

    RuleLines lines(text);
    if (rules.empty()) {
        if (!insert_only(lines, rule)) return by_hand(change, {file_name, 0, 0});
    } else {
        const auto first = lines.block_at((*pack)->first_item());
        if (!first) return by_hand(change, (*pack)->first_item());
        insert_before(lines, *first, rules, rule);
    }
    rules.insert(rules.begin(), rule);
    return checked(lines, rules, change, {file_name, 0, 0});
}

Result<std::string> remove_rule(std::string_view text, std::string_view rule_name,
                                const std::string& file_name) {
    const auto change = "remove rule \"" + std::string(rule_name) + '"';
    auto target = find_target(text, rule_name, change, file_name);
    if (!target) return std::unexpected(target.error());
    const Place place = target->rule().place;
    erase_block(target->lines, target->block, target->position == 0);
    target->rules.erase(target->rules.begin() + static_cast<std::ptrdiff_t>(target->position));
    return checked(target->lines, target->rules, change, place);
}

Result<std::string> set_enabled(std::string_view text, std::string_view rule_name, bool enabled,
                                const std::string& file_name) {
    const auto change =
        (enabled ? "enable rule \"" : "disable rule \"") + std::string(rule_name) + '"';
    auto target = find_target(text, rule_name, change, file_name);
    if (!target) return std::unexpected(target.error());
    if (target->rule().enabled == enabled) return std::string(text);
    const Place place = target->rule().place;
    write_enabled(target->lines, target->block, enabled);
    target->rules[target->position].enabled = enabled;
    return checked(target->lines, target->rules, change, place);
}

}  // namespace doorward
