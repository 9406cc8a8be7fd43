// SPDX-License-Identifier: GPL-2.0-or-later
// What a candidate's rules would have decided about the rows of an audit log.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "fwd/audit_record.hpp"
#include "fwd/local_time.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

// Flows of one program that would fare alike: decided `before`, would be decided `after`.
struct ReplayGroup {
    std::string app;          // path, "AppImage", or unknown:REASON
    Action before = Action::drop;
    Action after = Action::drop;
    std::string rule_before;  // empty: the default
    std::string rule_after;
    std::string missing;      // what the log does not know and the candidate asks for; empty: nothing
    std::uint64_t flows = 0;
    std::int64_t example = 0;     // id of the newest row
    std::string destination;      // of that row
};

class Replay {
public:
    // Programs choose their paths, so there may be any number of them.
    static constexpr std::size_t most_groups = 10'000;

    // `network` may be null; it and `now` are asked by rules as they are today: a rule that has
    // expired decides nothing. The time of the week is that of the row.
    Replay(std::shared_ptr<const Ruleset> candidate, const Network* network, std::int64_t now)
        : rules_(std::move(candidate)), network_(network), now_(now) {}

    void add(const AuditRecord& record);

    std::uint64_t rows() const { return rows_; }          // that were decided again
    std::uint64_t flows() const { return flows_; }        // that they stand for
    std::uint64_t alike() const { return alike_; }
    std::uint64_t changed() const { return changed_; }
    std::uint64_t untold() const { return untold_; }      // the log knows too little
    std::uint64_t ungrouped() const { return ungrouped_; }  // changed or untold, in no group
    std::uint64_t skipped() const { return skipped_; }    // rows about no flow

    // Those that would change, then those that can't be told; most flows first.
    std::vector<ReplayGroup> groups() const;

private:
    using Key = std::tuple<std::string, Action, Action, std::string, std::string, std::string>;
    struct Count {
        std::uint64_t flows = 0;
        std::int64_t example = 0;
        std::string destination;
    };

    void count(const AuditRecord& record, const Decision& decision, std::string missing);

    std::shared_ptr<const Ruleset> rules_;
    const Network* network_;
    std::int64_t now_;
    LocalMinute minute_;
    std::uint64_t rows_ = 0, flows_ = 0, alike_ = 0, changed_ = 0, untold_ = 0, ungrouped_ = 0,
                  skipped_ = 0;
    std::map<Key, Count> groups_;
};

}  // namespace doorward
