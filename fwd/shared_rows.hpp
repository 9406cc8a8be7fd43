// SPDX-License-Identifier: GPL-2.0-or-later
// While decisions come faster than rows can be written, those of one kind share a row of the audit log.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "fwd/decided.hpp"
#include "fwd/lru.hpp"

namespace doorward {

// For one batch of rows. Used by one thread.
class SharedRows {
public:
    // What a batch of 50 ms has beyond so many rows: 2,560 a second. A burst keeps its rows.
    static constexpr std::size_t busy = 128;

    // Counts the decision in a row of the batch that is there for its kind, if there is one: true. Otherwise it
    // needs a row, which becomes the next of the batch; the second one of a kind is made fit to be shared.
    bool join(Decided& decided, std::vector<AuditRecord>& batch);
    // The batch has changed otherwise.
    void clear() { kinds_.clear(); }

private:
    // All that parts one kind from another, but for names of the remote beside the newest.
    struct Key {
        const void* process;
        const void* rules;
        const void* host;
        const void* content;
        std::array<std::uint8_t, 16> remote;
        std::uint32_t rule;
        std::uint16_t remote_port;
        std::uint8_t protocol, verdict, decision, unknown, source;
        std::array<std::uint8_t, 5> pad;
        bool operator==(const Key&) const = default;
    };
    struct Kind {
        Decided first;  // keeps what the key points to
        std::optional<std::size_t> row;
    };

    static bool may_share(const Decided& decided);
    static Key key_of(const Decided& decided);

    std::unordered_map<Key, Kind, HashBytes> kinds_;
};

}  // namespace doorward
