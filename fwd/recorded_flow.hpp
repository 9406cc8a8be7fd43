// SPDX-License-Identifier: GPL-2.0-or-later
// A row of the audit log as the flow that was decided, so that rules can be asked about it again.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "fwd/audit_record.hpp"
#include "rules/flow.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

class RecordedFlow {
public:
    // `record` must be about_a_flow(), and outlive this.
    explicit RecordedFlow(const AuditRecord& record);
    RecordedFlow(const RecordedFlow&) = delete;
    RecordedFlow& operator=(const RecordedFlow&) = delete;

    const Flow& flow() const { return flow_; }

    // What a decision looked at that the log does not know: another answer may have been the right one.
    // The network is never in the log; `network_known` says that the caller has one that he trusts.
    // Nothing: the decision is the one that would have been made then.
    Inputs not_known(const Decision& decision, bool network_known) const;

private:
    const AuditRecord& record_;
    Process process_;
    ExecutableContent content_;
    std::vector<std::string_view> names_;
    Flow flow_;
};

// "sha256", "interface", …: as conditions are called that look at it.
std::vector<std::string_view> input_names(Inputs inputs);

}  // namespace doorward
