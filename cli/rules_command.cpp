// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward rules …`, all that asks or changes the daemon.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/add_rule.hpp"
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/rules_check.hpp"
#include "rules/rule_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {
namespace {

std::vector<Cell> row_of(const RuleEntry& entry, std::size_t position) {
    const Rule& rule = entry.rule;
    const std::string action(action_name(rule.action));
    const Colour text = rule.enabled ? Colour::none : Colour::dim;
    return {{std::to_string(position), text},
            {rule.name, text},
            {rule.enabled ? action : action + " (off)", rule.enabled ? colour_of(action) : text},
            {summary(rule), text},
            {short_place(rule.place), Colour::dim},
            {entry.hits ? std::to_string(*entry.hits) : "", text}};
}

// Any rule is, if no tag is asked for.
bool is_tagged(const Rule& rule, const std::vector<std::string>& tags) {
    return tags.empty() || std::ranges::any_of(tags, [&](const std::string& tag) {
               return std::ranges::find(rule.tags, tag) != rule.tags.end();
           });
}

void print_rules(const RuleList& list, const std::vector<std::string>& tags,
                 const TableStyle& style) {
    Table table({{.title = "#", .right = true}, {.title = "NAME"}, {.title = "ACTION"},
                 {.title = "WHO → WHERE", .shrinks = true}, {.title = "WRITTEN IN"},
                 {.title = "HITS", .right = true}},
                style);
    for (std::size_t i = 0; i < list.rules.size(); ++i)
        if (is_tagged(list.rules[i].rule, tags)) table.add(row_of(list.rules[i], i + 1));
    fmt::print("{}", table.take());
    fmt::print("then the default: {} outbound, {} inbound\n", action_name(list.defaults.out),
               action_name(list.defaults.in));
}

int list_rules(const Session& session, bool json, bool names,
               const std::vector<std::string>& tags) {
    auto answer = ask(session.socket, "ListRules", "list");
    if (!answer) return report(answer.error());
    const auto list = as<RuleList>(*answer);
    if (!list) return report(list.error());
    if (json) {
        auto& entries = answer->at("rules");
        for (std::size_t at = entries.size(); at-- > 0;)
            if (!is_tagged(list->rules[at].rule, tags)) entries.erase(at);
        return print_json(*answer), exit_ok;
    }
    if (!names) return print_rules(*list, tags, session.style()), exit_ok;
    for (const RuleEntry& entry : list->rules)
        if (is_tagged(entry.rule, tags)) fmt::print("{}\n", printable(entry.rule.name));
    return exit_ok;
}

int show_rule(const Session& session, const std::string& name, bool json) {
    const auto answer = ask(session.socket, "ListRules", "list");
    if (!answer) return report(answer.error());
    const auto list = as<RuleList>(*answer);
    if (!list) return report(list.error());
    for (std::size_t i = 0; i < list->rules.size(); ++i) {
        const Rule& rule = list->rules[i].rule;
        if (rule.name != name) continue;
        if (json) return print_json(answer->at("rules").at(i)), exit_ok;
        fmt::print("# {}, evaluated {}\n{}", printable(rule.place.text()),
                   position_text(i + 1, list->rules.size()), format_rule(rule));
        return exit_ok;
    }
    return report({exit_failed, fmt::format("there is no rule \"{}\" (see the names with: "
                                            "doorward rules list)", name), {}});
}

// Calls what changes one rule and says what came of it.
int change_rule(const Session& session, const std::string& method, nlohmann::json parameters,
                const std::string& done, bool json) {
    const auto answer = ask(session.socket, method, "change", std::move(parameters));
    if (!answer) return report(answer.error());
    if (json) return print_json(*answer), exit_ok;
    const auto change = as<RuleChange>(*answer);
    if (!change) return report(change.error());
    const bool temporary = change->file.starts_with('(');
    fmt::print("{} {} {}{}; {} rule{} now\n", done, printable(change->name),
               temporary ? "" : "in ", printable(change->file), change->rules, change->rules == 1 ? "" : "s");
    return exit_ok;
}

int undo(const Session& session, bool json) {
    const auto answer = ask(session.socket, "UndoChange", "undone");
    if (!answer) return report(answer.error());
    if (json) return print_json(*answer), exit_ok;
    const auto undone = as<Undone>(*answer);
    if (!undone) return report(undone.error());
    fmt::print("{}: {}; {} rule{} now\n", undone->again ? "done again" : "taken back",
               printable(undone->what), undone->rules, undone->rules == 1 ? "" : "s");
    return exit_ok;
}

int reload(const Session& session, bool json) {
    const auto answer = ask(session.socket, "Reload", "reloaded");
    if (!answer) return report(answer.error());
    if (json) return print_json(*answer), exit_ok;
    const auto reloaded = as<Reloaded>(*answer);
    if (!reloaded) return report(reloaded.error());
    fmt::print("{} rule{} in force, generation {}\n", reloaded->rules,
               reloaded->rules == 1 ? "" : "s", reloaded->generation);
    return exit_ok;
}

void add_list_and_show(CLI::App& rules, Session& session) {
    auto* list = rules.add_subcommand("list", "all rules in the order in which they are tried");
    auto* names = add_switch(*list, "--names", "print the names only, one a line");
    auto* json = add_switch(*list, "--json", "print JSON")->excludes(names);
    const auto tags = std::make_shared<std::vector<std::string>>();
    list->add_option("--tag", *tags, "only rules with this tag; may be repeated")
        ->allow_extra_args(false)
        ->delimiter(',')
        ->type_name("TAG");
    list->callback([&session, json, names, tags] {
        session.status = list_rules(session, json->count() > 0, names->count() > 0, *tags);
    });
    auto* show = rules.add_subcommand("show", "one rule as it would stand in a rule file");
    auto* name = show->add_option("NAME", "name of the rule")->required();
    auto* show_json = add_switch(*show, "--json", "print JSON");
    show->callback([&session, name, show_json] {
        session.status = show_rule(session, name->as<std::string>(), show_json->count() > 0);
    });
}

void add_add(CLI::App& rules, Session& session) {
    struct Options {
        RuleOptions rule;
        std::string action;
    };
    const auto options = std::make_shared<Options>();
    auto* add = rules.add_subcommand("add", "add a rule");
    add->add_option("--name", options->rule.name, "name of the rule")
        ->required()
        ->type_name("NAME");
    add->add_option("--action", options->action, "accept, drop or reject")
        ->required()
        ->check(CLI::IsMember({"accept", "drop", "reject"}))
        ->type_name("ACTION");
    add->add_option("--app", options->rule.apps,
                    "path, glob, name in PATH, or unknown[:REASON]; may be repeated")
        ->allow_extra_args(false)
        ->type_name("APP");
    add_rule_options(*add, options->rule);
    add->callback([&session, options] {
        session.status =
            add_rule(session, options->rule, *parse_action(options->action), options->action);
    });
}

void add_change(CLI::App& rules, Session& session, const std::string& verb,
                const std::string& description,
                const std::function<int(const std::string& name, bool json)>& run) {
    auto* command = rules.add_subcommand(verb, description);
    auto* name = command->add_option("NAME", "name of the rule")->required();
    auto* json = add_switch(*command, "--json", "print JSON");
    command->callback([&session, name, json, run] {
        session.status = run(name->as<std::string>(), json->count() > 0);
    });
}

void add_changes(CLI::App& rules, Session& session) {
    add_change(rules, session, "remove", "take a rule out of its file",
               [&session](const std::string& name, bool json) {
                   return change_rule(session, "RemoveRule", {{"name", name}}, "removed", json);
               });
    for (const bool enabled : {true, false})
        add_change(rules, session, enabled ? "enable" : "disable",
                   enabled ? "make a disabled rule count again" : "keep a rule, but pass over it",
                   [&session, enabled](const std::string& name, bool json) {
                       return change_rule(session, "SetRuleEnabled",
                                          {{"name", name}, {"enabled", enabled}},
                                          enabled ? "enabled" : "disabled", json);
                   });
}

void add_undo(CLI::App& rules, Session& session) {
    auto* command = rules.add_subcommand(
        "undo", "take back the last change made by command; once more: do it again");
    auto* json = add_switch(*command, "--json", "print JSON");
    command->callback([&session, json] { session.status = undo(session, json->count() > 0); });
}

void add_reload(CLI::App& rules, Session& session) {
    auto* command = rules.add_subcommand("reload", "read the rule files again");
    auto* json = add_switch(*command, "--json", "print JSON");
    command->callback([&session, json] { session.status = reload(session, json->count() > 0); });
}

}  // namespace

void add_rules_command(CLI::App& app, Session& session) {
    auto* rules = app.add_subcommand("rules", "show, change and check the rules");
    rules->require_subcommand(1);
    add_list_and_show(*rules, session);
    add_add(*rules, session);
    add_changes(*rules, session);
    add_undo(*rules, session);
    add_rules_check(*rules, session);
    add_rules_fmt(*rules, session);
    add_rules_schema(*rules, session);
    add_reload(*rules, session);
}

}  // namespace doorward
