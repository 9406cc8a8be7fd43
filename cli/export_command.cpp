// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward export`: all rules in force as one file.
#include <memory>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/rules_in_force.hpp"
#include "rules/imported.hpp"
#include "rules/rule_export.hpp"
#include "rules/time_text.hpp"

namespace doorward {
namespace {

using Json = nlohmann::ordered_json;

Json values_of(const Term& term) {
    if (condition_info(term.condition).single) return term.values.front().text;
    Json out = Json::array();
    for (const Value& value : term.values) out.push_back(value.text);
    return out;
}

void add_terms(Json& object, const std::vector<Term>& terms) {
    Json negated = Json::object();
    for (const Term& term : terms)
        (term.negated ? negated : object)[std::string(condition_info(term.condition).key)] = values_of(term);
    if (!negated.empty()) object["not"] = std::move(negated);
}

// JSON has no comments: the origin is added to the rule's own.
Json to_object(const Rule& rule, const Place& origin) {
    const auto layers = term_layers(rule);
    Json out{{"name", rule.name}};
    add_terms(out, layers.back());
    out["action"] = action_name(rule.action);
    if (rule.log != LogLevel::audit) out["log"] = log_level_name(rule.log);
    if (!rule.enabled) out["enabled"] = false;
    if (rule.expires) out["expires"] = format_time(*rule.expires);
    if (!rule.tags.empty()) out["tags"] = rule.tags;
    const std::string from = "[" + origin.text() + "]";
    const std::size_t room = 1024 - std::min<std::size_t>(from.size() + 1, 1024);
    const std::string own = rule.comment.size() <= room ? rule.comment : "";
    out["comment"] = comment_from(own.empty() ? from : own + " " + from);
    for (std::size_t at = layers.size() - 1; at-- > 0;) {
        Json group = Json::object();
        add_terms(group, layers[at]);
        group["rules"] = Json::array({std::move(out)});
        out = std::move(group);
    }
    return out;
}

Json document(const RulesInForce& rules) {
    Json out{{"sets", Json::object()}, {"profiles", Json::object()}, {"rules", Json::array()}};
    for (const SetDefinition& set : rules.pack->sets()) {
        Json values = Json::array();
        for (const Value& value : set.values) values.push_back(value.text);
        out["sets"][set.name][std::string(set_kind_name(set.kind))] = std::move(values);
    }
    for (const ProfileDefinition& profile : rules.pack->profiles()) {
        Json& object = out["profiles"][profile.name];
        if (!profile.gateways.empty()) object["gateway"] = profile.gateways;
        if (!profile.gateway_macs.empty()) object["gateway_mac"] = profile.gateway_macs;
        if (!profile.interfaces.empty()) object["interface"] = profile.interfaces;
        if (!profile.domains.empty()) object["domain"] = profile.domains;
    }
    for (std::size_t at = 0; at < rules.pack->size(); ++at)
        out["rules"].push_back(to_object(rules.pack->rule(at), rules.origins[at]));
    for (const char* key : {"sets", "profiles"})
        if (out[key].empty()) out.erase(key);
    return out;
}

int run(const Session& session, const std::string& format) {
    const auto rules = ask_rules_in_force(session.socket);
    if (!rules) return report(rules.error());
    // YAML reads no pairs of \u escapes, so what is no ASCII stays as it is; no text of a rule has
    // control characters in it.
    if (format == "json") fmt::print("{}\n", document(*rules).dump(2, ' ', false, Json::error_handler_t::replace));
    else fmt::print("{}", rules->text);
    return exit_ok;
}

}  // namespace

void add_export_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("export", "all rules in force as one rule file, with where each was written");
    const auto format = std::make_shared<std::string>("yaml");
    command->add_option("--format", *format, "yaml, or json, which is a rule file too")
        ->check(CLI::IsMember({"yaml", "json"}))
        ->type_name("FORMAT")
        ->capture_default_str();
    command->callback([&session, format] { session.status = run(session, *format); });
}

}  // namespace doorward
