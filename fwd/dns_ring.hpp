// SPDX-License-Identifier: GPL-2.0-or-later
// The ring buffer through which the kernel hands over copies of DNS packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "rules/result.hpp"

namespace doorward {

// Maps the ring for reading. One thread reads; no call into the kernel is made for it.
class DnsRing {
public:
    // `map_fd` of a ring buffer map of `bytes` bytes, a power of two. The map outlives this object.
    static Result<DnsRing> open(int map_fd, std::size_t bytes);

    DnsRing(DnsRing&& other) noexcept;
    DnsRing& operator=(DnsRing&&) = delete;
    ~DnsRing();

    // Calls `take` with each record that was there when the call began, oldest first. A record that
    // is still being written is waited for, a bounded while. The bytes are valid during `take` only.
    void drain(const std::function<void(std::span<const std::uint8_t>)>& take);

    // How often a record was not finished in time, so that what came after it had to wait.
    std::uint64_t stalled() const { return stalled_; }

private:
    DnsRing(std::byte* consumer, const std::byte* producer, std::size_t bytes)
        : consumer_(consumer), producer_(producer), bytes_(bytes) {}

    std::byte* consumer_;         // one page: how far we have read
    const std::byte* producer_;   // one page: how far the kernel has written; then the data, twice
    std::size_t bytes_;
    std::uint64_t stalled_ = 0;
};

}  // namespace doorward
