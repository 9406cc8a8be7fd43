// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward explain --event`: a row of the audit log, asked again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/session.hpp"
#include "fwd/audit_record.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

struct CloseRule {
    std::string rule;
    Place place;
    std::string failed;    // the first condition that was not met
    std::size_t held = 0;  // that were met before it
};

struct EventAnswer {
    Action action = Action::drop;
    std::string rule;                     // empty: the default
    Place place;                          // of the rule
    std::vector<std::string> not_known;   // what the log lacks to be sure
    std::vector<CloseRule> closest;       // of the rules before, those with most conditions met first

    bool differs(const AuditRecord& then) const { return action != then.decision || rule != then.rule; }
};

// What these rules say of the row's flow; `origins` are the places of the rules, or empty to take
// theirs. `around` is of now, but for the time of the week.
EventAnswer explain_event(const Ruleset& rules, const std::vector<Place>& origins, const AuditRecord& record,
                          const Surroundings& around);

int explain_event_command(const Session& session, std::int64_t event, const std::string& database, bool json);

}  // namespace doorward
