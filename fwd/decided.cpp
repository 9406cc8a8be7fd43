// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/decided.hpp"

#include <fmt/format.h>

namespace doorward {

namespace {

Evidence evidence_of(const Decided& decided) {
    Evidence evidence;
    evidence.recorded = true;
    evidence.interface = decided.interface;
    if (decided.host) evidence.names.push_back(*decided.host);
    for (const auto& name : decided.other_names) evidence.names.push_back(*name);
    if (const Process* process = decided.process.get()) {
        const ControlGroup& group = process->control_group;
        evidence.group_known = group != ControlGroup{};
        evidence.units = group.units;
        evidence.slices = group.slices;
        evidence.ancestors_whole = process->ancestors_whole;
        evidence.injected = process->injected;
    }
    if (const ExecutableContent* content = decided.content.get()) {
        evidence.asked = content->asked;
        evidence.verity = content->verity;
    }
    return evidence;
}

}  // namespace

void become_repeat(Decided& decided) {
    decided.repeat = true;
    decided.latency_ns = -1;
    decided.interface.clear();
    decided.flow.local = decided.flow.remote.is_v4() ? Address::v4(0) : Address{};
    decided.flow.local_port = 0;
}

AuditRecord record_of(const Decided& decided) {
    AuditRecord record;
    record.time_us = decided.time_us;
    record.verdict = decided.verdict;
    record.decision = decided.decision;
    if (decided.rule != Decision::no_rule) {
        record.rule = decided.rules->name(decided.rule);
        record.reason = "rule";
        record.log = decided.rules->log(decided.rule);
    } else {
        record.reason = fmt::format("default-{}", direction_name(decided.flow.direction));
    }
    record.direction = decided.flow.direction;
    record.protocol = decided.flow.protocol;
    record.local = decided.flow.local;
    record.remote = decided.flow.remote;
    record.local_port = decided.flow.local_port;
    record.remote_port = decided.flow.remote_port;
    if (decided.host) record.host = *decided.host;
    record.unknown = decided.flow.unknown;
    record.source = decided.source;
    record.count = static_cast<std::int64_t>(decided.count);
    record.latency_ns = decided.latency_ns;
    if (const Process* process = decided.process.get()) {
        record.pid = process->pid;
        record.start_ns = process->start_ns;
        record.exec_id = process->exec_id;
        record.cgroup_id = process->cgroup_id;
        record.uid = process->uid;
        record.gid = process->gid;
        record.exe = process->exe;
        record.appimage = process->appimage;
        record.exe_device = process->exe_device;
        record.exe_inode = process->exe_inode;
        record.command_line = process->command_line;
        record.parent_pid = process->parent_pid;
        record.parent_exe = process->parent_exe;
        record.script = process->script;
        record.script_device = process->script_device;
        record.script_inode = process->script_inode;
        record.ancestors = process->ancestors;
        record.mount_namespace = process->mount_namespace;
        const ControlGroup& group = process->control_group;
        if (!group.units.empty()) record.unit = group.units.back();
        if (!group.slices.empty()) record.slice = group.slices.back();
        record.container = group.container;
    }
    if (const ExecutableContent* content = decided.content.get()) {
        if (content->sha256) record.sha256 = to_hex(*content->sha256);
        record.package = content->package;
        record.unread = content->missing;
    }
    record.evidence = evidence_of(decided);
    return record;
}

}  // namespace doorward
