// SPDX-License-Identifier: GPL-2.0-or-later
// Whether all that meets one value of a condition meets another one too. Used by shadow.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition.hpp"

namespace doorward {

// As Environment::resolve_path; may be empty.
using ResolvePath = std::function<std::string(const std::string&)>;

// Both canonical values of `condition`. False if in doubt: sets and words cover themselves alone.
// `steps` is increased by what it took, about a tenth of a microsecond each.
bool covers(Condition condition, std::string_view wide, std::string_view narrow,
            const ResolvePath& resolve, std::size_t& steps);

// Hashes by which the wide value of a pair is found: its key is among the narrow one's keys.
std::uint64_t wide_key(Condition condition, std::string_view value);
// Appends.
void narrow_keys(Condition condition, std::string_view value, std::vector<std::uint64_t>& out);

}  // namespace doorward
