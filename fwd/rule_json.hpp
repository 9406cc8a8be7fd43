// SPDX-License-Identifier: GPL-2.0-or-later
// One rule ↔ JSON with the keys, and the texts as values, that it has in a rule file. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "rules/rule.hpp"

namespace doorward {

// Every key is there; one that the rule does not set is null. What may be a list always is one.
nlohmann::json rule_to_json(const Rule& rule);

// Keys that are missing or null are not set; unknown keys are errors, which name the key. Each
// value is read by the parser that reads it in a rule file. Whether the conditions make sense
// together is seen when the rule is written to a file.
Result<Rule> rule_from_json(const nlohmann::json& object);

}  // namespace doorward
