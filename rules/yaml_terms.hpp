// SPDX-License-Identifier: GPL-2.0-or-later
// The part of the loader that rules, groups, sets and profiles have in common.
#pragma once

#include <string>
#include <vector>

#include "rules/rule.hpp"
#include "rules/yaml_value.hpp"

namespace doorward {

// One value or a list of them, each through `canonical`; at least one.
Result<std::vector<Value>> read_values(const YamlValue& value,
                                       const std::function<Result<std::string>(std::string_view)>&
                                           canonical);

// Adds what the map says of conditions, `not` included, to `terms`, in their order.
Result<void> read_terms(const YamlMap& map, bool inherited, std::vector<Term>& terms);

// Conditions that contradict each other: such a rule looks like protection and is none.
Result<void> check_meaning(const Rule& rule, const std::string& label);

Result<SetDefinition> read_set(const YamlValue& value);
Result<ProfileDefinition> read_profile(const YamlValue& value);

}  // namespace doorward
