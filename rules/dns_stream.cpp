// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/dns_stream.hpp"

namespace doorward {

bool DnsStream::take(std::uint32_t sequence, std::span<const std::uint8_t> bytes,
                     const std::function<void(std::span<const std::uint8_t>)>& message) {
    // Sequence numbers wrap; the difference tells which is earlier.
    const auto ahead = static_cast<std::int32_t>(sequence - next_);
    if (ahead > 0) return false;
    const auto known = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
    if (known >= bytes.size()) return true;  // sent again, all of it
    bytes = bytes.subspan(known);
    next_ += static_cast<std::uint32_t>(bytes.size());
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    std::size_t at = 0;
    while (kept_.size() - at >= 2) {
        const std::size_t length = static_cast<std::size_t>(kept_[at] << 8 | kept_[at + 1]);
        if (length > longest) return false;
        if (kept_.size() - at - 2 < length) break;
        message(std::span(kept_).subspan(at + 2, length));
        at += 2 + length;
    }
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
}

}  // namespace doorward
