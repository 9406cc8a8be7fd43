// SPDX-License-Identifier: GPL-2.0-or-later
// A decision on its way from a packet thread to those who keep it. Cheap to make: what is large
// is shared, and becomes text on the audit thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fwd/audit_record.hpp"
#include "rules/flow.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

struct Decided {
    std::int64_t time_us = 0;        // microseconds since the epoch, UTC
    Action verdict = Action::drop;   // what happened to the packet
    Action decision = Action::drop;  // what the rules say; differs from verdict in observe mode
    std::uint32_t rule = Decision::no_rule;  // position in `rules`; no_rule: the default decided
    Flow flow;                       // its process is `process`
    std::shared_ptr<const Process> process;
    std::shared_ptr<const std::string> host;  // newest name of the remote address; null: none known
    std::vector<std::shared_ptr<const std::string>> other_names;  // those behind `host`
    std::string interface;           // as in Flow
    std::shared_ptr<const ExecutableContent> content;  // the flow's; null: no rule asked
    std::shared_ptr<const Ruleset> rules;
    AttributionSource source = AttributionSource::none;
    std::int64_t latency_ns = -1;    // from the first hook to the verdict; -1: no hook saw the send
    std::uint64_t identity = 0;      // of the process's program (bpf/wire.h); 0: it has none
    // Stands for `count` flows of one kind, as the kernel gave the verdict again by itself, or since they came too
    // fast for a row each: their local ends are not known then, nor, if the kernel gave it to several, the processes.
    bool repeat = false;
    std::uint64_t count = 1;
};

AuditRecord record_of(const Decided& decided);

// It is to stand for flows from several ports, which may have gone several ways.
void become_repeat(Decided& decided);

}  // namespace doorward
