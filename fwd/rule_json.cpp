// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_json.hpp"

#include <array>

#include "rules/condition_text.hpp"
#include "rules/time_text.hpp"

namespace doorward {
namespace {

using nlohmann::json;

template <class T>
json list_of(const std::vector<T>& values, auto text) {
    if (values.empty()) return nullptr;
    json list = json::array();
    for (const T& value : values) list.push_back(text(value));
    return list;
}

std::string port_text(const PortRange& range) {
    const auto first = std::to_string(range.first);
    return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}

template <class T>
Result<T> or_fail(std::optional<T> value, std::string_view text, const std::string& what) {
    if (value) return *value;
    return fail("\"" + std::string(text) + "\" is no " + what);
}

Result<Action> action_from(std::string_view text) {
    return or_fail(parse_action(text), text, "action: use accept, drop or reject");
}

Result<LogLevel> log_from(std::string_view text) {
    return or_fail(parse_log_level(text), text, "log level: use audit or journal");
}

Result<Protocol> protocol_from(std::string_view text) {
    return or_fail(parse_protocol(text), text, "protocol: use tcp, udp, … or a number");
}

Result<Direction> direction_from(std::string_view text) {
    if (text == "out") return Direction::out;
    if (text == "in") return Direction::in;
    if (text == "forward") return Direction::forward;
    return fail("\"" + std::string(text) + "\" is no direction: use out, in or forward");
}

template <class T>
Result<void> read_one(const json& value, Result<T> (*parse)(std::string_view), auto& out) {
    if (!value.is_string()) return fail("this must be a string");
    auto parsed = parse(value.get_ref<const std::string&>());
    if (!parsed) return std::unexpected(parsed.error());
    out = std::move(*parsed);
    return {};
}

template <class T>
Result<void> read_list(const json& value, Result<T> (*parse)(std::string_view),
                       std::vector<T>& out) {
    if (!value.is_array() || value.empty())
        return fail("this must be a list of strings, not empty");
    for (const json& item : value) {
        T parsed{};
        if (auto done = read_one(item, parse, parsed); !done) return done;
        out.push_back(std::move(parsed));
    }
    return {};
}

Result<void> read_enabled(const json& value, Rule& rule) {
    if (!value.is_boolean()) return fail("this must be true or false");
    rule.enabled = value.get<bool>();
    return {};
}

struct Field {
    std::string_view key;
    Result<void> (*read)(const json& value, Rule& rule);
};

constexpr std::array fields{
    Field{"name", [](auto& v, auto& r) { return read_one(v, parse_rule_name, r.name); }},
    Field{"action", [](auto& v, auto& r) { return read_one(v, action_from, r.action); }},
    Field{"log", [](auto& v, auto& r) { return read_one(v, log_from, r.log); }},
    Field{"enabled", read_enabled},
    Field{"expires", [](auto& v, auto& r) { return read_one(v, parse_time, r.expires); }},
    Field{"direction", [](auto& v, auto& r) { return read_one(v, direction_from, r.direction); }},
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
    Field{"protocol", [](auto& v, auto& r) { return read_list(v, protocol_from, r.protocols); }},
    Field{"to", [](auto& v, auto& r) { return read_list(v, parse_prefix, r.to); }},
    Field{"from", [](auto& v, auto& r) { return read_list(v, parse_prefix, r.from); }},
    Field{"port", [](auto& v, auto& r) { return read_list(v, parse_ports, r.ports); }},
    Field{"domain", [](auto& v, auto& r) { return read_list(v, parse_domain, r.domains); }},
    Field{"comment", [](auto& v, auto& r) { return read_one(v, parse_comment, r.comment); }},
};

Result<void> read_key(const std::string& key, const json& value, Rule& rule) {
    for (const Field& field : fields) {
        if (field.key != key) continue;
        if (value.is_null()) return {};
        return field.read(value, rule);
    }
    return fail("a rule has no such key");
}

bool is_set(const json& object, const char* key) {
    return object.contains(key) && !object.at(key).is_null();
}

}  // namespace

json rule_to_json(const Rule& rule) {
    const auto text = [](const auto& pattern) { return pattern.text; };
    const auto prefix = [](const Prefix& value) { return value.to_string(); };
    json object{{"name", rule.name},
                {"action", action_name(rule.action)},
                {"log", log_level_name(rule.log)},
                {"enabled", rule.enabled},
                {"expires", nullptr},
                {"direction", nullptr},
                {"app", list_of(rule.apps, text)},
                {"user", list_of(rule.users, text)},
                {"group", list_of(rule.groups, text)},
                {"unit", list_of(rule.units, text)},
                {"slice", list_of(rule.slices, text)},
                {"container", list_of(rule.containers, text)},
                {"parent", list_of(rule.parents, text)},
                {"script", list_of(rule.scripts, text)},
                {"package", list_of(rule.packages, text)},
                {"verity", list_of(rule.verity, [](const auto& digest) { return digest; })},
                {"sha256", list_of(rule.sha256, to_hex)},
                {"protocol", list_of(rule.protocols, protocol_name)},
                {"to", list_of(rule.to, prefix)},
                {"from", list_of(rule.from, prefix)},
                {"port", list_of(rule.ports, port_text)},
                {"domain", list_of(rule.domains, text)},
                {"comment", nullptr}};
    if (rule.expires) object["expires"] = format_time(*rule.expires);
    if (rule.direction) object["direction"] = direction_name(*rule.direction);
    if (!rule.comment.empty()) object["comment"] = rule.comment;
    return object;
}

Result<Rule> rule_from_json(const json& object) {
    if (!object.is_object()) return fail("a rule must be an object");
    Rule rule;
    for (const auto& [key, value] : object.items())
        if (auto read = read_key(key, value, rule); !read) {
            Error error = read.error();
            error.what = key.substr(0, 40) + ": " + error.what;
            return std::unexpected(std::move(error));
        }
    for (const char* key : {"name", "action"})
        if (!is_set(object, key)) return fail(std::string("the rule has no ") + key);
    return rule;
}

}  // namespace doorward
