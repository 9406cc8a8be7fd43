// SPDX-License-Identifier: GPL-2.0-or-later
// What a rule says of a condition, in a form that tests can compare.
#pragma once

#include <string>
#include <vector>

#include "rules/rule.hpp"

namespace doorward {

using Texts = std::vector<std::string>;

// Of the rule's own term; empty if it has none.
inline Texts values_of(const Rule& rule, Condition condition, bool negated = false) {
    Texts out;
    if (const Term* term = rule.find(condition, negated))
        for (const Value& value : term->values) out.push_back(value.text);
    return out;
}

// Where one of its values stands.
inline Place place_of(const Rule& rule, Condition condition, std::size_t at) {
    const Value& value = rule.find(condition)->values.at(at);
    return {rule.place.file, value.line, value.column};
}

}  // namespace doorward
