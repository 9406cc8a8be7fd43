// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward allow` and `doorward deny`: a rule in one line.
#include <memory>

#include "cli/add_rule.hpp"
#include "cli/commands.hpp"

namespace doorward {
namespace {

struct ShortForm {
    RuleOptions rule;
    bool drop = false;
};

CLI::App* add_form(CLI::App& app, const std::string& verb, const std::string& description,
                   ShortForm& form) {
    auto* command = app.add_subcommand(verb, description);
    command->add_option("APP", form.rule.apps, "path, glob, name in PATH, or unknown[:REASON]")
        ->required()
        ->expected(1)
        ->type_name("");
    command->add_option("--name", form.rule.name, "name of the rule; made up if not given")
        ->type_name("NAME");
    add_rule_options(*command, form.rule);
    return command;
}

}  // namespace

void add_allow_and_deny_commands(CLI::App& app, Session& session) {
    // Kept alive by the callbacks, which run after this function has returned.
    const auto allow = std::make_shared<ShortForm>();
    add_form(app, "allow", "let a program through: outbound, or with --in inbound", *allow)
        ->callback([&session, allow] {
            RuleOptions options = allow->rule;
            // A program that may ask the network is not yet one that the network may ask.
            if (!options.in) options.out = true;
            session.status = add_rule(session, options, Action::accept, "allow");
        });
    const auto deny = std::make_shared<ShortForm>();
    auto* command =
        add_form(app, "deny", "block a program, both ways unless told otherwise", *deny);
    auto* reject =
        add_switch(*command, "--reject", "answer with an error at once (this is the default)");
    command->add_flag("--drop", deny->drop, "give no answer: the program waits until it gives up")
        ->excludes(reject);
    command->callback([&session, deny] {
        const Action action = deny->drop ? Action::drop : Action::reject;
        session.status = add_rule(session, deny->rule, action, "deny");
    });
}

}  // namespace doorward
