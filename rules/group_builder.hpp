// SPDX-License-Identifier: GPL-2.0-or-later
// Collects the values of a set, or of a condition that has several.
#pragma once

#include <optional>
#include <string_view>

#include "rules/value_group.hpp"

namespace doorward {

class GroupBuilder {
public:
    explicit GroupBuilder(SetKind kind) : kind_(kind) {
        if (kind == SetKind::domains) domains_.emplace(HashKey{});
    }

    // A canonical value, no reference. Errors have no place.
    Result<void> add(std::string_view value);
    void add(const ValueGroup& other) { group_.add(other); }

    ValueGroup finish() &&;

private:
    SetKind kind_;
    ValueGroup group_;
    ListedValues listed_;
    PrefixSetBuilder addresses_;
    std::optional<DomainSetBuilder> domains_;  // root writes these; nobody crafts collisions
    bool any_ = false;
};

}  // namespace doorward
