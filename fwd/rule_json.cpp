// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_json.hpp"

#include "rules/condition_text.hpp"
#include "rules/time_text.hpp"

namespace doorward {
namespace {

using nlohmann::json;

template <class T>
Result<void> read_one(const json& value, Result<T> (*parse)(std::string_view), auto& out) {
    if (!value.is_string()) return fail("this must be a string");
    auto parsed = parse(value.get_ref<const std::string&>());
    if (!parsed) return std::unexpected(parsed.error());
    out = std::move(*parsed);
    return {};
}

template <class T>
Result<std::vector<std::string>> read_list(const json& value, const T& canonical) {
    if (!value.is_array() || value.empty())
        return fail("this must be a list of strings, not empty");
    std::vector<std::string> texts;
    for (const json& item : value) {
        std::string text;
        if (auto done = read_one<std::string>(item, canonical, text); !done)
            return std::unexpected(done.error());
        texts.push_back(std::move(text));
    }
    return texts;
}

Result<Action> action_from(std::string_view text) {
    if (const auto action = parse_action(text)) return *action;
    return fail("\"" + std::string(text) + "\" is no action: use accept, drop or reject");
}

Result<LogLevel> log_from(std::string_view text) {
    if (const auto level = parse_log_level(text)) return *level;
    return fail("\"" + std::string(text) + "\" is no log level: use audit, journal or each");
}

Result<void> read_term(const ConditionInfo& info, const json& value, bool negated, Rule& rule) {
    const auto texts = read_list(info.single ? json::array({value}) : value, info.canonical);
    if (!texts) return std::unexpected(texts.error());
    rule.add(info.condition, *texts, negated);
    return {};
}

std::unexpected<Error> at_key(const std::string& key, Error error) {
    error.what = key.substr(0, 40) + ": " + error.what;
    return std::unexpected(std::move(error));
}

Result<void> read_not(const json& object, Rule& rule) {
    if (!object.is_object()) return fail("this must be an object");
    for (const auto& [key, value] : object.items()) {
        const ConditionInfo* info = find_condition(key);
        if (!info) return at_key(key, {"there is no such condition", {}, {}});
        if (value.is_null()) continue;
        if (auto done = read_term(*info, value, true, rule); !done)
            return at_key(key, done.error());
    }
    return {};
}

Result<void> read_key(const std::string& key, const json& value, Rule& rule) {
    if (value.is_null()) return {};
    if (const ConditionInfo* info = find_condition(key)) return read_term(*info, value, false, rule);
    if (key == "not") return read_not(value, rule);
    if (key == "name") return read_one(value, parse_rule_name, rule.name);
    if (key == "action") return read_one(value, action_from, rule.action);
    if (key == "log") return read_one(value, log_from, rule.log);
    if (key == "expires") return read_one(value, parse_time, rule.expires);
    if (key == "comment") return read_one(value, parse_comment, rule.comment);
    if (key == "tags") {
        auto tags = read_list(value, parse_word);
        if (!tags) return std::unexpected(tags.error());
        rule.tags = std::move(*tags);
        return {};
    }
    if (key != "enabled") return fail("a rule has no such key");
    if (!value.is_boolean()) return fail("this must be true or false");
    rule.enabled = value.get<bool>();
    return {};
}

bool is_set(const json& object, const char* key) {
    return object.contains(key) && !object.at(key).is_null();
}

// Values that are inherited from a group stand beside the rule's own: what a flow must meet is both.
json conditions_to_json(const Rule& rule, bool negated) {
    json object = json::object();
    for (const ConditionInfo& info : conditions()) object[std::string(info.key)] = nullptr;
    for (const Term& term : rule.terms) {
        if (term.negated != negated) continue;
        const ConditionInfo& info = condition_info(term.condition);
        json& place = object[std::string(info.key)];
        if (info.single) {
            place = term.values.front().text;
            continue;
        }
        if (place.is_null()) place = json::array();
        for (const Value& value : term.values) place.push_back(value.text);
    }
    return object;
}

}  // namespace

json rule_to_json(const Rule& rule) {
    json object = conditions_to_json(rule, false);
    object["name"] = rule.name;
    object["action"] = action_name(rule.action);
    object["log"] = log_level_name(rule.log);
    object["enabled"] = rule.enabled;
    object["expires"] = nullptr;
    object["tags"] = nullptr;
    object["comment"] = nullptr;
    object["not"] = nullptr;
    if (rule.expires) object["expires"] = format_time(*rule.expires);
    if (!rule.tags.empty()) object["tags"] = rule.tags;
    if (!rule.comment.empty()) object["comment"] = rule.comment;
    for (const Term& term : rule.terms)
        if (term.negated) object["not"] = conditions_to_json(rule, true);
    return object;
}

Result<Rule> rule_from_json(const json& object) {
    if (!object.is_object()) return fail("a rule must be an object");
    Rule rule;
    for (const auto& [key, value] : object.items())
        if (auto read = read_key(key, value, rule); !read) return at_key(key, read.error());
    for (const char* key : {"name", "action"})
        if (!is_set(object, key)) return fail(std::string("the rule has no ") + key);
    return rule;
}

}  // namespace doorward
