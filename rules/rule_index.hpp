// SPDX-License-Identifier: GPL-2.0-or-later
// Which rules can match a flow at all: few of many. Used by the ruleset only.
//
// Each rule stands under the values of one of its conditions, the one that holds back the most; rules
// without such a condition stand under none, and are tried for every flow. The index errs only on the
// side of trying too much: it compares hashes, and the rule itself is tried anyway.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "rules/compiled_rule.hpp"
#include "rules/index_table.hpp"

namespace doorward {

// Walks several ascending lists of positions as one, each position once.
class Candidates {
public:
    static constexpr std::uint32_t end = std::numeric_limits<std::uint32_t>::max();

    // False if there is no room for one more.
    bool add(const std::uint32_t* first, const std::uint32_t* last);
    bool add(std::uint32_t position);
    void clear() { count_ = 0; }

    std::uint32_t next();

    // Calls `see` with the first positions of each list, which are the next of all.
    void look_ahead(const auto& see) const {
        for (std::size_t i = 0; i < count_; ++i) {
            const Cursor& cursor = cursors_[i];
            see(cursor.head);
            for (auto at = cursor.rest; at != cursor.stop && at != cursor.rest + ahead; ++at) see(*at);
        }
    }

private:
    static constexpr std::size_t most = 96;
    static constexpr std::size_t ahead = 7;

    struct Cursor {
        std::uint32_t head;
        const std::uint32_t* rest;
        const std::uint32_t* stop;
    };
    std::array<Cursor, most> cursors_;
    std::size_t count_ = 0;
};

class RuleIndex {
public:
    RuleIndex() = default;
    RuleIndex(const CompiledRules& rules, const Terms& terms);

    // Every enabled rule that can match the flow, and maybe others; `out` must be empty. Allocates
    // nothing.
    void candidates(const Flow& flow, Candidates& out) const;

    // Adds what the index has looked at on the way to the rule at `winner` (Candidates::end: to the
    // default).
    void note(const Flow& flow, std::uint32_t winner, Inputs& inputs) const;

    std::size_t memory() const;  // bytes

    // What a rule can stand under.
    enum class Kind : std::uint8_t {
        path, folder, user, to, port, group, unit, slice, container, parent, script, domain, from,
        none,
    };
    static constexpr std::size_t kinds = 13;

private:
    class Builder;
    using Lookups = IndexTable::Lookups;

    struct Lengths {
        std::vector<std::uint8_t> v4, v6;  // of the 16-byte form
    };

    bool has(Kind kind) const { return first_[static_cast<std::size_t>(kind)] != Candidates::end; }
    void add_process(const Process& process, Lookups& out) const;
    void add_control_group(const ControlGroup& group, Lookups& out) const;
    void add_folders(std::string_view path, Lookups& out) const;
    void add_addresses(Kind kind, const Address& address, Lookups& out) const;
    void add_ports(std::uint16_t port, Lookups& out) const;
    void add_domains(const Flow& flow, Lookups& out) const;
    void add_all(const Flow& flow, Lookups& out) const;

    IndexTable table_;
    std::vector<std::uint32_t> everywhere_; // enabled rules that stand under nothing
    std::vector<std::uint32_t> enabled_;    // all of them, where some flow needs more lists than fit
    std::array<std::uint32_t, kinds> first_{};  // of the rules under each kind; Candidates::end: none
    std::array<Lengths, 2> lengths_;        // of prefixes under `to` and under `from`
    std::vector<std::uint8_t> port_lengths_;
};

}  // namespace doorward
