// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_rules.hpp"

#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/time_text.hpp"
#include "rules/yaml_source.hpp"
#include "rules/yaml_value.hpp"

namespace doorward {

namespace {

constexpr std::size_t max_rule_file = 16 << 20;

// One value → T by one of the parsers of text; their errors get the name and place of the value.
template <class T>
Result<T> parse_value(const YamlValue& value, Result<T> (*parse)(std::string_view)) {
    const auto text = yaml_text(value);
    if (!text) return std::unexpected(text.error());
    auto parsed = parse(*text);
    if (!parsed) return value.error(parsed.error().what, parsed.error().remedy);
    return parsed;
}

template <class T>
Result<void> read_value(const YamlValue& value, Result<T> (*parse)(std::string_view), auto& out) {
    auto parsed = parse_value(value, parse);
    if (!parsed) return std::unexpected(parsed.error());
    out = std::move(*parsed);
    return {};
}

// One value or a list of them; for elements that remember their place, it is filled in.
template <class T>
Result<void> read_list(const YamlValue& value, Result<T> (*parse)(std::string_view),
                       std::vector<T>& out) {
    const auto items = yaml_items(value);
    if (!items) return std::unexpected(items.error());
    for (const auto& item : *items) {
        auto parsed = parse_value(item, parse);
        if (!parsed) return std::unexpected(parsed.error());
        if constexpr (requires { parsed->place; }) parsed->place = item.place;
        out.push_back(std::move(*parsed));
    }
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
                "use audit or journal");
}

Result<Direction> direction_from(std::string_view text) {
    if (const auto direction = parse_direction(text)) return *direction;
    return fail(fmt::format("\"{}\" is not a direction", text.substr(0, 40)),
                "use out, in or forward, or leave the key out for all");
}

Result<Protocol> protocol_from(std::string_view text) {
    if (const auto protocol = parse_protocol(text)) return *protocol;
    return fail(fmt::format("\"{}\" is not a protocol", text.substr(0, 40)),
                "use tcp, udp, icmp, icmpv6, sctp, udplite or a number from 0 to 255");
}

Result<void> read_enabled(const YamlValue& value, Rule& rule) {
    const auto enabled = yaml_bool(value);
    if (!enabled) return std::unexpected(enabled.error());
    rule.enabled = *enabled;
    return {};
}

struct Field {
    std::string_view key;
    Result<void> (*read)(const YamlValue& value, Rule& rule);
};

constexpr std::array fields{
    Field{"name", [](auto& v, auto& r) { return read_value(v, parse_rule_name, r.name); }},
    Field{"app", [](auto& v, auto& r) { return read_list(v, parse_app, r.apps); }},
    Field{"user", [](auto& v, auto& r) { return read_list(v, parse_user, r.users); }},
    Field{"group", [](auto& v, auto& r) { return read_list(v, parse_group, r.groups); }},
    Field{"unit", [](auto& v, auto& r) { return read_list(v, parse_unit, r.units); }},
    Field{"slice", [](auto& v, auto& r) { return read_list(v, parse_slice, r.slices); }},
    Field{"container", [](auto& v, auto& r) { return read_list(v, parse_container, r.containers); }},
    Field{"parent", [](auto& v, auto& r) { return read_list(v, parse_parent, r.parents); }},
    Field{"script", [](auto& v, auto& r) { return read_list(v, parse_script, r.scripts); }},
    Field{"package", [](auto& v, auto& r) { return read_list(v, parse_package, r.packages); }},
    Field{"verity", [](auto& v, auto& r) { return read_list(v, parse_verity, r.verity); }},
    Field{"sha256", [](auto& v, auto& r) { return read_list(v, parse_sha256, r.sha256); }},
    Field{"direction", [](auto& v, auto& r) { return read_value(v, direction_from, r.direction); }},
    Field{"protocol", [](auto& v, auto& r) { return read_list(v, protocol_from, r.protocols); }},
    Field{"to", [](auto& v, auto& r) { return read_list(v, parse_prefix, r.to); }},
    Field{"from", [](auto& v, auto& r) { return read_list(v, parse_prefix, r.from); }},
    Field{"port", [](auto& v, auto& r) { return read_list(v, parse_ports, r.ports); }},
    Field{"domain", [](auto& v, auto& r) { return read_list(v, parse_domain, r.domains); }},
    Field{"action", [](auto& v, auto& r) { return read_value(v, action_from, r.action); }},
    Field{"log", [](auto& v, auto& r) { return read_value(v, log_from, r.log); }},
    Field{"enabled", read_enabled},
    Field{"expires", [](auto& v, auto& r) { return read_value(v, parse_time, r.expires); }},
    Field{"comment", [](auto& v, auto& r) { return read_value(v, parse_comment, r.comment); }},
};

constexpr auto rule_keys = [] {
    std::array<std::string_view, fields.size()> keys;
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = fields[i].key;
    return keys;
}();

// How errors call the rule: by its name if it has one, else by its number.
std::string label(const YAML::Node& node, std::size_t number) {
    if (node.IsMap())
        if (const YAML::Node name = node["name"]; name.IsDefined() && name.IsScalar())
            if (parse_rule_name(name.Scalar())) return fmt::format("rule \"{}\"", name.Scalar());
    return fmt::format("rule {}", number);
}

Result<void> require(const YamlMap& map, const YamlValue& value, std::string_view key,
                     std::string remedy) {
    const YamlValue at{value.name, value.node, map.place()};
    if (!map.find(key)) return at.error(fmt::format("there is no {}", key), std::move(remedy));
    return {};
}

// Conditions that contradict each other: such a rule looks like protection and is none.
Result<void> check_meaning(const YamlMap& map, const Rule& rule) {
    if (!rule.ports.empty() && !rule.protocols.empty() &&
        std::ranges::none_of(rule.protocols, has_ports))
        return map.find("port")->error("the protocols of this rule have no ports",
                                       "remove port, or add tcp, udp, udplite or sctp");
    if (!rule.domains.empty() && rule.direction == Direction::in)
        return map.find("domain")->error("who comes in has no name that was asked for",
                                         "remove domain, or write direction: out");
    const auto is_unknown = [](const AppPattern& app) {
        return app.kind == AppPattern::Kind::unknown;
    };
    if (!rule.scripts.empty() && rule.apps.empty())
        return map.find("script")->error("any program can be started as if it ran this script",
                                         "name the interpreter too, such as app: /usr/bin/python3");
    if (rule.apps.empty() || !std::ranges::all_of(rule.apps, is_unknown)) return {};
    if (!rule.users.empty())
        return map.find("user")->error("an unknown process has no known user",
                                       "remove user, or name a program");
    if (needs_process(rule))
        return map.find("app")->error("of an unknown process nothing else is known",
                                      "name a program, or remove the other conditions on it");
    return {};
}

Result<Rule> read_rule(const YamlValue& value) {
    const auto map = YamlMap::read(value, rule_keys, value.name + ": ");
    if (!map) return std::unexpected(map.error());
    Rule rule;
    rule.place = map->place();
    for (const auto& field : fields)
        if (const auto* found = map->find(field.key))
            if (auto done = field.read(*found, rule); !done) return std::unexpected(done.error());
    if (auto named = require(*map, value, "name", "add one that is unique, such as name: web");
        !named)
        return std::unexpected(named.error());
    if (auto decided = require(*map, value, "action", "add action: accept, drop or reject");
        !decided)
        return std::unexpected(decided.error());
    if (auto sound = check_meaning(*map, rule); !sound) return std::unexpected(sound.error());
    return rule;
}

Result<std::vector<Rule>> read_rules(const YamlValue& list) {
    if (!list.node.IsSequence())
        return list.error("this is no list", "begin each rule with \"- name: …\"");
    std::vector<Rule> rules;
    std::unordered_map<std::string, int> lines;
    for (const auto& node : list.node) {
        const Place place = node.IsNull() ? list.place : place_of(node, list.place.file);
        auto rule = read_rule({label(node, rules.size() + 1), node, place});
        if (!rule) return std::unexpected(rule.error());
        const auto [first, fresh] = lines.emplace(rule->name, rule->place.line);
        if (!fresh)
            return fail(fmt::format("rule name \"{}\" is taken by the rule in line {}", rule->name,
                                    first->second),
                        "give one of the two another name", rule->place);
        rules.push_back(std::move(*rule));
    }
    return rules;
}

}  // namespace

Result<std::vector<Rule>> parse_rules(std::string_view text, const std::string& file_name) {
    constexpr std::array<std::string_view, 1> keys{"rules"};
    const auto document = load_yaml(text, file_name, max_rule_file);
    if (!document) return std::unexpected(document.error());
    if (document->IsNull()) return std::vector<Rule>();
    const auto top =
        YamlMap::read({"the rule file", *document, place_of(*document, file_name)}, keys);
    if (!top) return std::unexpected(top.error());
    const auto* list = top->find("rules");
    if (!list || list->node.IsNull()) return std::vector<Rule>();
    return read_rules(*list);
}

}  // namespace doorward
