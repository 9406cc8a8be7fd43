// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/recent_flows.hpp"

#include <algorithm>

#include "fwd/process_details.hpp"

namespace doorward {
namespace {

Flow as_flow(const TrackedFlow& tracked, Direction direction) {
    const bool out = direction != Direction::in;
    Flow flow;
    flow.direction = direction;
    flow.protocol = tracked.protocol;
    flow.local = out ? tracked.source : tracked.destination;
    flow.remote = out ? tracked.destination : tracked.source;
    flow.local_port = out ? tracked.source_port : tracked.destination_port;
    flow.remote_port = out ? tracked.destination_port : tracked.source_port;
    return flow;
}

bool same_program(const Process& a, const Process& b) {
    return a.pid == b.pid && a.start_ns == b.start_ns && a.exec_id == b.exec_id;
}

void put_process(OpenFlow& open, const Process& process) {
    open.exe = process.exe;
    open.pid = process.pid;
    open.uid = process.uid;
    open.user = ProcessDetails::user_name_of(process.uid);
    if (!process.control_group.units.empty()) open.unit = process.control_group.units.back();
    open.container = process.control_group.container;
    open.appimage = process.appimage;
    open.script = process.script;
    open.injected = to_text(process.injected);
}

}  // namespace

Flow flow_of(const FlowEnds& ends) {
    Flow flow;
    flow.direction = ends.direction;
    flow.protocol = ends.protocol;
    flow.local = ends.local;
    flow.remote = ends.remote;
    flow.local_port = ends.local_port;
    flow.remote_port = ends.remote_port;
    return flow;
}

OpenFlow RecentFlows::open_flow(const TrackedFlow& tracked, const std::optional<Remembered>& decided,
                                std::int64_t now_us) {
    const Flow flow = as_flow(tracked, decided ? decided->direction : Direction::out);
    OpenFlow open;
    open.direction = flow.direction;
    open.protocol = flow.protocol;
    open.local = flow.local;
    open.remote = flow.remote;
    open.local_port = flow.local_port;
    open.remote_port = flow.remote_port;
    open.sent = flow.direction == Direction::in ? tracked.answered : tracked.sent;
    open.received = flow.direction == Direction::in ? tracked.sent : tracked.answered;
    if (!decided) {
        open.unknown = unknown_name(Unknown::process_lost);
        return open;
    }
    open.verdict = decided->verdict;
    open.decision = decided->decision;
    open.time_us = decided->time_us;
    if (!decided->rule.empty()) open.rule = decided->rule;
    open.age_s = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us - decided->time_us)) /
                 1'000'000;
    if (decided->host) open.host = *decided->host;
    if (decided->process) put_process(open, *decided->process);
    else open.unknown = unknown_name(decided->unknown);
    return open;
}

RecentFlows::Key RecentFlows::key_of(const Flow& flow) {
    return {flow.local.bytes, flow.remote.bytes, flow.local_port, flow.remote_port,
            static_cast<std::uint32_t>(flow.protocol)};
}

void RecentFlows::remember(const Decided& decided) {
    if (decided.verdict != Action::accept) return;
    Remembered remembered{decided.flow.direction, decided.verdict, decided.decision, decided.flow.unknown,
                          decided.time_us, decided.process, {}, decided.host};
    if (decided.rule != Decision::no_rule) remembered.rule = decided.rules->name(decided.rule);
    const std::lock_guard lock(mutex_);
    flows_.put(key_of(decided.flow), std::move(remembered));
}

std::optional<RecentFlows::Remembered> RecentFlows::find(const Flow& flow) {
    const std::lock_guard lock(mutex_);
    const Remembered* found = flows_.find(key_of(flow));
    if (!found || found->direction != flow.direction) return std::nullopt;
    return *found;
}

// What is remembered, unless another process has been seen to send there.
std::optional<RecentFlows::Remembered> RecentFlows::owner(const Flow& flow, const See& see) {
    auto remembered = find(flow);
    auto seen = see(flow);
    if (!seen || (remembered && remembered->process && same_program(*remembered->process, *seen->process)))
        return remembered;
    return Remembered{flow.direction, Action::accept, seen->decision, Unknown::none, seen->time_us,
                      std::move(seen->process), std::move(seen->rule), nullptr};
}

bool RecentFlows::is_owner(const FlowEnds& ends, const See& see) {
    const auto found = owner(flow_of(ends), see);
    return found && (found->process ? found->process->pid : 0) == ends.pid;
}

std::vector<OpenFlow> RecentFlows::name(const std::vector<TrackedFlow>& tracked,
                                        std::uint32_t mask, std::uint32_t decided_mark,
                                        std::int64_t now_us, const See& see) {
    std::vector<OpenFlow> open;
    for (const TrackedFlow& flow : tracked) {
        if (flow.closed || (flow.mark & mask) != decided_mark) continue;
        auto decided = owner(as_flow(flow, Direction::out), see);
        if (!decided) decided = find(as_flow(flow, Direction::in));
        open.push_back(open_flow(flow, decided, now_us));
    }
    return open;
}

}  // namespace doorward
