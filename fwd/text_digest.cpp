// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/text_digest.hpp"

#include <nettle/sha2.h>

namespace doorward {

Sha256 digest_of(std::string_view text) {
    sha256_ctx hash;
    ::sha256_init(&hash);
    ::sha256_update(&hash, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
    Sha256 digest{};
    ::sha256_digest(&hash, digest.size(), digest.data());
    return digest;
}

std::string_view bytes_of(const Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace doorward
