// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_rules.hpp"

#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/time_text.hpp"
#include "rules/yaml_source.hpp"
#include "rules/yaml_terms.hpp"

namespace doorward {

namespace {

constexpr std::size_t max_rule_file = std::size_t{64} << 20;
constexpr int max_group_depth = 4;

// What a group hands down to its rules.
struct Inherited {
    std::vector<Term> terms;
    std::vector<std::string> tags;
    std::optional<std::int64_t> expires;
    bool enabled = true;
    int depth = 0;
};

template <class T>
Result<void> read_value(const YamlMap& map, std::string_view key,
                        Result<T> (*parse)(std::string_view), auto& out) {
    const YamlValue* value = map.find(key);
    if (!value) return {};
    const auto text = yaml_text(*value);
    if (!text) return std::unexpected(text.error());
    auto parsed = parse(*text);
    if (!parsed) return value->error(parsed.error().what, parsed.error().remedy);
    out = std::move(*parsed);
    return {};
}

Result<Action> action_from(std::string_view text) {
    if (const auto action = parse_action(text)) return *action;
    return fail(fmt::format("\"{}\" is not an action", text.substr(0, 40)),
                "use accept, drop or reject");
}

Result<LogLevel> log_from(std::string_view text) {
    if (const auto level = parse_log_level(text)) return *level;
    return fail(fmt::format("\"{}\" is not a log level", text.substr(0, 40)),
                "use audit, journal or each");
}

// What rules and groups have in common: conditions, tags, expiry, being enabled. What is inherited
// is in `rule` already.
Result<void> read_common(const YamlMap& map, bool group, Rule& rule) {
    if (auto done = read_terms(map, group, rule.terms); !done) return done;
    if (const YamlValue* value = map.find("enabled")) {
        const auto enabled = yaml_bool(*value);
        if (!enabled) return std::unexpected(enabled.error());
        rule.enabled = rule.enabled && *enabled;
    }
    std::optional<std::int64_t> expires;
    if (auto done = read_value(map, "expires", parse_time, expires); !done) return done;
    if (expires && (!rule.expires || *expires < *rule.expires)) rule.expires = expires;
    if (const YamlValue* value = map.find("tags")) {
        auto tags = read_values(*value, parse_word);
        if (!tags) return std::unexpected(tags.error());
        for (Value& tag : *tags) rule.tags.push_back(std::move(tag.text));
    }
    return read_value(map, "comment", parse_comment, rule.comment);
}

Result<void> require(const YamlMap& map, const std::string& label, std::string_view key,
                     std::string remedy) {
    if (map.find(key)) return {};
    return fail(fmt::format("{}: there is no {}", label, key), std::move(remedy),
                map.start().place());
}

class RuleReader {
public:
    explicit RuleReader(const std::string& file) : file_(file), builder_(file) {}

    Result<void> item(const YamlNode& node) {
        if (items_++ == 0) builder_.set_first_item(place_of(node));
        return read_item(node, items_, {});
    }

    Result<void> definitions(const YamlMap& top) {
        if (auto done = each(top, "sets", read_set); !done) return done;
        return each(top, "profiles", read_profile);
    }

    std::shared_ptr<const RulePack> finish() { return builder_.finish(); }

private:
    // A list's item begins at its first key.
    Place place_of(const YamlNode& node) const { return {file_, node.line, node.column}; }

    // How errors call the rule: by its name if it has one, else by its number.
    static std::string label(const YamlNode& node, std::size_t number, bool group) {
        const YamlNode* name = node.find("name");
        const std::string_view what = group ? "group" : "rule";
        if (name && name->is_scalar() && parse_rule_name(name->scalar))
            return fmt::format("{} \"{}\"", what, name->scalar);
        return fmt::format("{} {}", what, number);
    }

    Result<void> read_item(const YamlNode& node, std::size_t number, const Inherited& inherited) {
        const bool group = node.find("rules") != nullptr;
        const std::string name = label(node, number, group);
        const std::string prefix = name + ": ";
        YamlValue value = yaml_top(node, name, file_);
        static const auto keys_of_rules = doorward::rule_keys();
        static const auto keys_of_groups = doorward::group_keys();
        const auto map = YamlMap::read(value, group ? keys_of_groups : keys_of_rules, prefix);
        if (!map) return std::unexpected(map.error());
        Rule rule;
        rule.place = map->start().place();
        rule.terms = inherited.terms;
        rule.tags = inherited.tags;
        rule.expires = inherited.expires;
        rule.enabled = inherited.enabled;
        if (auto done = read_value(*map, "name", parse_rule_name, rule.name); !done) return done;
        if (auto done = read_common(*map, group, rule); !done) return done;
        return group ? read_group(*map, std::move(rule), inherited.depth + 1)
                     : read_rule(*map, std::move(rule), name);
    }

    Result<void> read_group(const YamlMap& map, Rule shared, int depth) {
        const YamlValue& list = *map.find("rules");
        if (depth > max_group_depth)
            return list.error("groups of rules are nested too deeply",
                              fmt::format("use at most {} levels", max_group_depth));
        if (!list.node->is_sequence() || list.node->children.empty())
            return list.error("this is no list of rules", "begin each rule with \"- name: …\"");
        const Inherited inherited{std::move(shared.terms), std::move(shared.tags), shared.expires,
                                  shared.enabled, depth};
        std::size_t number = 0;
        for (const YamlNode& node : list.node->children) {
            auto done = read_item(node, ++number, inherited);
            if (!done) return done;
        }
        return {};
    }

    Result<void> read_rule(const YamlMap& map, Rule rule, const std::string& name) {
        if (auto done = read_value(map, "action", action_from, rule.action); !done) return done;
        if (auto done = read_value(map, "log", log_from, rule.log); !done) return done;
        auto sound = require(map, name, "name", "add one that is unique, such as name: web");
        if (sound) sound = require(map, name, "action", "add action: accept, drop or reject");
        if (sound) sound = check_meaning(rule, name);
        if (!sound) return sound;
        const auto [first, fresh] = lines_.emplace(rule.name, rule.place.line);
        if (!fresh)
            return fail(fmt::format("rule name \"{}\" is taken by the rule in line {}", rule.name,
                                    first->second),
                        "give one of the two another name", rule.place);
        builder_.add(rule);
        return {};
    }

    // A map of definitions by their names.
    template <class T>
    Result<void> each(const YamlMap& top, std::string_view key,
                      Result<T> (*read)(const YamlValue&)) {
        const YamlValue* found = top.find(key);
        if (!found || found->node->is_null()) return {};
        if (!found->node->is_map())
            return found->error("this is no map", "write NAME: and what it stands for below");
        std::vector<std::string_view> names;
        for (std::size_t i = 0; i < found->node->children.size(); i += 2)
            names.push_back(found->node->children[i].scalar);
        const auto map = YamlMap::read(*found, names);
        if (!map) return std::unexpected(map.error());
        for (const std::string_view name : names) {
            auto definition = read(*map->find(name));
            if (!definition) return std::unexpected(definition.error());
            builder_.add(std::move(*definition));
        }
        return {};
    }

    const std::string& file_;
    RulePackBuilder builder_;
    std::size_t items_ = 0;
    std::unordered_map<std::string, int> lines_;
};

}  // namespace

std::vector<std::string_view> condition_keys() {
    std::vector<std::string_view> keys;
    for (const ConditionInfo& info : conditions()) keys.push_back(info.key);
    return keys;
}

std::vector<std::string_view> group_keys() {
    std::vector<std::string_view> keys = condition_keys();
    keys.insert(keys.begin(), "name");
    keys.insert(keys.end(), {"not", "enabled", "expires", "tags", "comment", "rules"});
    return keys;
}

std::vector<std::string_view> rule_keys() {
    std::vector<std::string_view> keys = condition_keys();
    keys.insert(keys.begin(), "name");
    keys.insert(keys.end(), {"not", "action", "log", "enabled", "expires", "tags", "comment"});
    return keys;
}

Result<std::shared_ptr<const RulePack>> parse_rule_pack(std::string_view text,
                                                        const std::string& file_name) {
    RuleReader reader(file_name);
    const auto document =
        stream_yaml(text, file_name, max_rule_file, "rules",
                    [&](const YamlNode& node) { return reader.item(node); });
    if (!document) return std::unexpected(document.error());
    if (document->is_null()) return reader.finish();
    const auto top = YamlMap::read(yaml_top(*document, "the rule file", file_name), file_keys);
    if (!top) return std::unexpected(top.error());
    const YamlValue* list = top->find("rules");
    if (list && !list->node->is_null() && !list->node->streamed)
        return list->error("this is no list", "begin each rule with \"- name: …\"");
    if (auto done = reader.definitions(*top); !done) return std::unexpected(done.error());
    return reader.finish();
}

Result<std::vector<Rule>> parse_rules(std::string_view text, const std::string& file_name) {
    const auto pack = parse_rule_pack(text, file_name);
    if (!pack) return std::unexpected(pack.error());
    return (*pack)->rules();
}

}  // namespace doorward
