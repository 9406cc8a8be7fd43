// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/replay.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/log_row.hpp"
#include "fwd/recorded_flow.hpp"

namespace doorward {

void Replay::add(const AuditRecord& record) {
    if (!about_a_flow(record)) {
        ++skipped_;
        return;
    }
    ++rows_;
    const std::uint64_t stands_for = flows_of(record);
    flows_ += stands_for;
    const RecordedFlow recorded(record);
    const Surroundings around(now_, minute_.at(record.time_us / 1'000'000), network_);
    const Decision decision = rules_->decide(recorded.flow(), around);
    const Inputs missing = recorded.not_known(decision, network_ != nullptr);
    if (missing.bits() != 0) {
        untold_ += stands_for;
        count(record, decision, fmt::format("{}", fmt::join(input_names(missing), ", ")));
    } else if (decision.action != record.decision) {
        changed_ += stands_for;
        count(record, decision, {});
    } else {
        alike_ += stands_for;
    }
}

void Replay::count(const AuditRecord& record, const Decision& decision, std::string missing) {
    const std::uint64_t stands_for = flows_of(record);
    std::string after(decision.rule == Decision::no_rule ? std::string_view()
                                                         : rules_->name(decision.rule));
    Key key{program_text(record), record.decision, decision.action, record.rule, std::move(after),
            std::move(missing)};
    auto found = groups_.find(key);
    if (found == groups_.end()) {
        if (groups_.size() >= most_groups) {
            ungrouped_ += stands_for;
            return;
        }
        found = groups_.emplace(std::move(key), Count{}).first;
    }
    Count& group = found->second;
    group.flows += stands_for;
    group.example = record.id;
    group.destination = destination_text(record);
}

std::vector<ReplayGroup> Replay::groups() const {
    std::vector<ReplayGroup> out;
    for (const auto& [key, count] : groups_) {
        const auto& [app, before, after, rule_before, rule_after, missing] = key;
        out.push_back({app, before, after, rule_before, rule_after, missing, count.flows,
                       count.example, count.destination});
    }
    std::ranges::stable_sort(out, [](const ReplayGroup& a, const ReplayGroup& b) {
        if (a.missing.empty() != b.missing.empty()) return a.missing.empty();
        return a.flows > b.flows;
    });
    return out;
}

}  // namespace doorward
