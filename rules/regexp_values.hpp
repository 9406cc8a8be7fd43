// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions → the values of conditions that match the same, and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/port_range.hpp"
#include "rules/regexp.hpp"

namespace doorward {

// All of these: an empty list means that no value of this kind is matched; an error, that there is no
// list of values that is matched, and what stands in the way.

// The ports whose decimal numbers are matched, joined and in order.
std::vector<PortRange> ports_matched(const Regexp& regexp);

// Whether a short text is matched.
bool is_matched(const Regexp& regexp, std::string_view text);

// All texts that are matched and made of these characters only, if they are few.
Result<std::vector<std::string>> texts_matched(const Regexp& regexp, std::string_view alphabet);

// Patterns over paths of executables as the kernel reports them: absolute, without empty parts and
// without a slash at the end. Paths with control characters in them are not thought of.
Result<std::vector<std::string>> path_patterns(const Regexp& regexp);

// Patterns over names of interfaces.
Result<std::vector<std::string>> interface_patterns(const Regexp& regexp);

// Values of `domain`. With `closed`, what may follow a name is left out of account: "^example\.org"
// is then taken for "^example\.org$".
Result<std::vector<std::string>> host_names(const Regexp& regexp, bool closed);

// Prefixes; the texts are addresses as Address::to_string() writes them.
Result<std::vector<std::string>> prefixes_matched(const Regexp& regexp);

}  // namespace doorward
