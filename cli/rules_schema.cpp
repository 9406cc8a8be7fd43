// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward rules schema`: what a rule file may say, for editors.
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/rules_check.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {
namespace {

// Keys in the order in which they were added.
using Json = nlohmann::ordered_json;

constexpr std::string_view word_pattern = "^[a-z][a-z0-9_-]{0,63}$";

// The schema is wider than the loader, never narrower: an editor must not mark what works.
Json one_value() { return {{"type", {"string", "number", "boolean"}}}; }

Json with_words(Json schema, std::string_view words) {
    if (!words.empty()) schema["description"] = words;
    return schema;
}

Json pattern(std::string_view text) {
    Json schema = one_value();
    schema["pattern"] = text;
    return schema;
}

Json names(auto all, auto name) {
    Json schema;
    for (const auto each : all) schema["enum"].push_back(name(each));
    return schema;
}

Json port() {
    return {{"anyOf",
             {{{"type", "integer"}, {"minimum", 0}, {"maximum", 65535}},
              {{"type", "string"}, {"pattern", "^(set:.+|file:.+|[0-9]+(-[0-9]+)?)$"}}}}};
}

Json protocol() {
    Json known = names(std::array{Protocol::tcp, Protocol::udp, Protocol::icmp, Protocol::icmpv6,
                                  Protocol::sctp, Protocol::udplite},
                       protocol_name);
    return {{"anyOf",
             {known,
              {{"type", "integer"}, {"minimum", 0}, {"maximum", 255}},
              {{"type", "string"}, {"pattern", "^[0-9]+$"}}}}};
}

Json value_of(Condition condition) {
    switch (condition) {
        case Condition::direction:
            return names(std::array{Direction::out, Direction::in, Direction::forward},
                         direction_name);
        case Condition::protocol: return protocol();
        case Condition::port: return port();
        case Condition::app: return pattern("^((user:)?/|unknown$|unknown:)");
        case Condition::parent: return pattern("^(user:)?/");
        case Condition::script: return pattern("^((user:)?/|module:.|class:.)");
        case Condition::sha256: return pattern("^([0-9A-Fa-f]{64}|set:.+)$");
        case Condition::injected: return {{"enum", {"preload", "library-path", "tracer", "filter", "any"}}};
        case Condition::verity: return pattern("^sha(256|512):[0-9A-Fa-f]+$");
        case Condition::profile: return pattern(word_pattern);
        default: return one_value();
    }
}

Json one_or_more(const Json& value) {
    return {{"anyOf", {value, {{"type", "array"}, {"minItems", 1}, {"items", value}}}}};
}

Json condition(const ConditionInfo& info) {
    const Json value = value_of(info.condition);
    return with_words(info.single ? value : one_or_more(value), info.value);
}

Json map_of(Json properties) {
    return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

// What is no condition.
Json other_key(std::string_view key) {
    const auto described = [](Json schema, const char* words) { return with_words(std::move(schema), words); };
    if (key == "name") return described(pattern("^[A-Za-z0-9._-]{1,64}$"), "unique over all files");
    if (key == "action")
        return names(std::array{Action::accept, Action::drop, Action::reject}, action_name);
    if (key == "log")
        return described(names(std::array{LogLevel::audit, LogLevel::journal, LogLevel::each}, log_level_name),
                         "journal: also a line in the system journal; each: a row of the log for each flow");
    if (key == "enabled") return {{"enum", {true, false, "true", "false"}}};
    if (key == "expires") return described(one_value(), "such as 2027-01-31T18:00:00Z");
    if (key == "tags") return one_or_more(pattern(word_pattern));
    if (key == "comment") return described(one_value(), "one line");
    if (key == "not")
        return {{"$ref", "#/definitions/conditions"}, {"description", "none of this may hold"}};
    return {{"type", "array"}, {"minItems", 1}, {"items", {{"$ref", "#/definitions/item"}}}};  // rules
}

Json properties(const std::vector<std::string_view>& keys) {
    Json out = Json::object();
    for (const std::string_view key : keys) {
        const ConditionInfo* info = find_condition(key);
        out[std::string(key)] = info ? condition(*info) : other_key(key);
    }
    return out;
}

Json definitions() {
    Json conditions = map_of(properties(condition_keys()));
    conditions["minProperties"] = 1;
    Json rule = map_of(properties(rule_keys()));
    rule["required"] = {"name", "action"};
    Json set = map_of({});
    for (const std::string_view key : set_keys)
        set["properties"][std::string(key)] = one_or_more(key == "ports" ? port() : one_value());
    set["minProperties"] = set["maxProperties"] = 1;
    Json profile = map_of({});
    for (const std::string_view key : profile_keys)
        profile["properties"][std::string(key)] = one_or_more(one_value());
    profile["minProperties"] = 1;
    return {{"item",
             {{"if", {{"required", {"rules"}}}},
              {"then", {{"$ref", "#/definitions/group"}}},
              {"else", {{"$ref", "#/definitions/rule"}}}}},
            {"rule", std::move(rule)},
            {"group", map_of(properties(group_keys()))},
            {"conditions", std::move(conditions)},
            {"set", std::move(set)},
            {"profile", std::move(profile)}};
}

Json named(const char* definition) {
    return {{"type", {"object", "null"}},
            {"propertyNames", {{"pattern", word_pattern}}},
            {"additionalProperties", {{"$ref", std::string("#/definitions/") + definition}}}};
}

Json schema() {
    Json file = map_of({{"rules",
                         {{"type", {"array", "null"}}, {"items", {{"$ref", "#/definitions/item"}}}}},
                        {"sets", named("set")},
                        {"profiles", named("profile")}});
    file["type"] = {"object", "null"};
    Json out{{"$schema", "http://json-schema.org/draft-07/schema#"},
             {"title", "Rules of Doorward, an application firewall"},
             {"description", "See doorward-rules(5)."}};
    out.update(file);
    out["definitions"] = definitions();
    return out;
}

}  // namespace

void add_rules_schema(CLI::App& rules, Session& session) {
    auto* command = rules.add_subcommand("schema", "print a JSON Schema of rule files, for editors");
    command->callback([&session] {
        fmt::print("{}\n", schema().dump(1));
        session.status = exit_ok;
    });
}

}  // namespace doorward
