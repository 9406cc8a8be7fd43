// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rules_in_force.hpp"

#include "cli/client.hpp"
#include "rules/file_format.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

CommandResult<RulesInForce> ask_rules_in_force(const std::string& socket) {
    const auto answer = ask(socket, "ExportRules", "export");
    if (!answer) return std::unexpected(answer.error());
    auto exported = as<RuleExport>(*answer);
    if (!exported) return std::unexpected(exported.error());
    const std::string name = "(rules in force)";
    auto text = format_rule_file(exported->text, name);
    if (!text) return command_fail(exit_failed, text.error());
    auto pack = parse_rule_pack(*text, name);
    if (!pack) return command_fail(exit_failed, pack.error());
    if ((*pack)->size() != exported->origins.size())
        return command_fail(exit_failed, "the daemon's answer does not fit: rules and origins differ in number");
    return RulesInForce{std::move(*text), std::move(*pack), std::move(exported->origins)};
}

}  // namespace doorward
