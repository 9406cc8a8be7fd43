// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward rules check`, `fmt` and `schema`: without a daemon.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "fwd/rule_files.hpp"

namespace doorward {

void add_rules_check(CLI::App& rules, Session& session);
void add_rules_fmt(CLI::App& rules, Session& session);
void add_rules_schema(CLI::App& rules, Session& session);

inline constexpr const char* installed_rules = "/etc/doorward/rules.d";

// A file, or all rule files of a folder; whoever wrote them.
Result<std::vector<RuleFile>> read_rule_path(const std::string& path);

}  // namespace doorward
