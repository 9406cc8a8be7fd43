// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/recorded_flow.hpp"

namespace doorward {
namespace {

// Nobody else decides about what these are: the rest of the inputs is in every row.
constexpr std::pair<Input, std::string_view> names_of_inputs[] = {
    {Input::control_group, "unit, slice and container"},
    {Input::ancestors, "parent"},
    {Input::domain, "domain"},
    {Input::sha256, "sha256"},
    {Input::verity, "verity"},
    {Input::package, "package"},
    {Input::interface, "interface"},
    {Input::script, "script"},
    {Input::injected, "injected"},
    {Input::local_address, "from"},
    {Input::local_port, "source port"},
    {Input::network, "network"},
};

Process process_of(const AuditRecord& record) {
    Process process;
    process.pid = record.pid;
    process.start_ns = record.start_ns;
    process.exec_id = record.exec_id;
    process.uid = record.uid;
    process.gid = record.gid;
    process.exe = record.exe;
    process.appimage = record.appimage;
    process.ancestors = record.ancestors;
    process.ancestors_whole = record.evidence.ancestors_whole;
    process.script = record.script;
    if (record.evidence.injected) process.injected = *record.evidence.injected;
    if (record.evidence.group_known)
        process.control_group = {record.evidence.units, record.evidence.slices, record.container, true};
    return process;
}

ExecutableContent content_of(const AuditRecord& record) {
    ExecutableContent content;
    content.asked = record.evidence.asked;
    content.sha256 = parse_sha256_hex(record.sha256);
    content.verity = record.evidence.verity;
    content.package = record.package;
    content.missing = record.unread;
    return content;
}

}  // namespace

RecordedFlow::RecordedFlow(const AuditRecord& record) : record_(record) {
    flow_.direction = record.direction;
    flow_.protocol = record.protocol;
    flow_.local = record.local;
    flow_.remote = record.remote;
    flow_.local_port = record.local_port;
    flow_.remote_port = record.remote_port;
    flow_.unknown = record.unknown;
    flow_.interface = record.evidence.interface;
    names_.assign(record.evidence.names.begin(), record.evidence.names.end());
    if (names_.empty() && !record.host.empty()) names_.push_back(record.host);
    flow_.names = names_;
    if (record.unknown != Unknown::none) return;
    process_ = process_of(record);
    flow_.process = &process_;
    content_ = content_of(record);
    // Nothing asked: nobody has looked, which is not the same as having found nothing.
    if (!content_.asked.none()) flow_.content = &content_;
}

Inputs RecordedFlow::not_known(const Decision& decision, bool network_known) const {
    const Inputs asked = decision.depends_on;
    const Evidence& evidence = record_.evidence;
    Inputs missing;
    const auto add = [&](Input input) {
        if (asked.has(input)) missing.add(input);
    };
    if (!network_known) add(Input::network);
    if (!evidence.recorded) {
        add(Input::interface);
        add(Input::control_group);
        if (flow_.direction == Direction::out) add(Input::domain);
        if (!record_.ancestors.empty()) add(Input::ancestors);
    }
    if (is_repeat(record_)) {
        add(Input::interface);
        add(Input::local_address);
        add(Input::local_port);
    }
    if (!flow_.process) return missing;
    if (record_.pid == 0) {
        add(Input::control_group);
        add(Input::ancestors);
        add(Input::script);
    }
    if (!evidence.injected) add(Input::injected);
    if (!evidence.asked.has(Fact::sha256)) add(Input::sha256);
    if (!evidence.asked.has(Fact::verity)) add(Input::verity);
    if (!evidence.asked.has(Fact::package)) add(Input::package);
    return missing;
}

std::vector<std::string_view> input_names(Inputs inputs) {
    std::vector<std::string_view> names;
    for (const auto& [input, name] : names_of_inputs)
        if (inputs.has(input)) names.push_back(name);
    return names;
}

}  // namespace doorward
