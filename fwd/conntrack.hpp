// SPDX-License-Identifier: GPL-2.0-or-later
// Connection tracking: the flows that are open now, and the marks they carry.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "rules/flow.hpp"
#include "rules/result.hpp"

namespace doorward {

struct TrackedFlow {
    Protocol protocol{};
    Address source;       // of the original direction
    Address destination;
    std::uint16_t source_port = 0;  // host byte order; ICMP: the identifier
    std::uint16_t destination_port = 0;
    std::uint32_t mark = 0;
    bool closed = false;  // TCP that both ends have closed, or one has reset: kept for late packets only
    bool zoned = false;   // in a zone of its own: another flow may have the same ends
    // Of IP packets, headers included, in the original direction and back. None: not counted, because
    // accounting was off when the flow began.
    std::optional<std::uint64_t> sent{};
    std::optional<std::uint64_t> answered{};

    bool operator==(const TrackedFlow&) const = default;
};

// Owns a ctnetlink socket in the network namespace of the thread that opened it. Not thread-safe.
class Conntrack {
public:
    static Result<Conntrack> open();

    Conntrack(Conntrack&&) noexcept;
    Conntrack& operator=(Conntrack&&) noexcept;
    ~Conntrack();

    // Every entry of both families, as the kernel has them now.
    Result<std::vector<TrackedFlow>> list();

    // Gives every entry that has one of the bits under `mask` set those of `value`, a subset, instead; the
    // other bits are kept. Returns how many entries were changed. An entry that vanished meanwhile is not an
    // error.
    using MarkOf = std::function<std::uint32_t(const TrackedFlow&)>;
    Result<std::size_t> change_marks(std::uint32_t mask, const MarkOf& value);

    // The same with 0 for all.
    Result<std::size_t> clear_marks(std::uint32_t mask);

private:
    struct Impl;
    explicit Conntrack(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
