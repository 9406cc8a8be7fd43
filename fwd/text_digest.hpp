// SPDX-License-Identifier: GPL-2.0-or-later
// The SHA-256 of a text that is in memory.
#pragma once

#include <string_view>

#include "rules/content.hpp"

namespace doorward {

Sha256 digest_of(std::string_view text);

// Its 32 bytes, valid as long as the digest is.
std::string_view bytes_of(const Sha256& digest);

}  // namespace doorward
