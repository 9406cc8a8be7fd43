// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/log_row.hpp"

#include <fmt/format.h>

#include "cli/log_time.hpp"
#include "fwd/audit_text.hpp"
#include "rules/script.hpp"

namespace doorward {
namespace {

using nlohmann::ordered_json;

// For JSON: null where the value is empty or not known.
ordered_json text_or_null(const std::string& value) {
    return value.empty() ? ordered_json() : ordered_json(escape_text(value));
}

ordered_json number_or_null(bool known, std::uint64_t value) {
    return known ? ordered_json(value) : ordered_json();
}

ordered_json texts(const std::vector<std::string>& values) {
    ordered_json array = ordered_json::array();
    for (const std::string& value : values) array.push_back(text_or_null(value));
    return array;
}

struct Ends {
    const Address& source;
    std::uint16_t source_port;
    const Address& destination;
    std::uint16_t destination_port;
};

Ends ends_of(const AuditRecord& record) {
    if (record.direction != Direction::in)
        return {record.local, record.local_port, record.remote, record.remote_port};
    return {record.remote, record.remote_port, record.local, record.local_port};
}

Cell rule_cell(const AuditRecord& record) {
    const bool by_rule = !record.rule.empty();
    std::string text = by_rule ? record.rule : record.reason;
    if (record.count != 1) text += fmt::format(" ×{}", record.count);
    return {std::move(text), by_rule ? Colour::none : Colour::dim};
}

void add_process(ordered_json& row, const AuditRecord& record) {
    const bool known = record.pid != 0;
    row["pid"] = number_or_null(known, record.pid);
    row["start_ns"] = number_or_null(known, record.start_ns);
    row["exec_id"] = number_or_null(known, record.exec_id);
    row["uid"] = number_or_null(user_known(record), record.uid);
    row["user"] = text_or_null(record.user);
    row["exe"] = text_or_null(record.exe);
    row["appimage"] = text_or_null(record.appimage);
    row["exe_device"] = number_or_null(known, record.exe_device);
    row["exe_inode"] = number_or_null(known, record.exe_inode);
    row["command_line"] = text_or_null(record.command_line);
    row["working_directory"] = text_or_null(record.working_directory);
    row["parent_pid"] = number_or_null(known && record.parent_pid != 0, record.parent_pid);
    row["parent_exe"] = text_or_null(record.parent_exe);
    row["cgroup_id"] = number_or_null(known && record.cgroup_id != 0, record.cgroup_id);
    row["unit"] = text_or_null(record.unit);
    row["gid"] = number_or_null(user_known(record), record.gid);
    row["slice"] = text_or_null(record.slice);
    row["units"] = texts(record.evidence.units);
    row["slices"] = texts(record.evidence.slices);
    row["container"] = text_or_null(record.container);
    row["script"] = text_or_null(record.script);
    row["script_device"] = number_or_null(record.script_inode != 0, record.script_device);
    row["script_inode"] = number_or_null(record.script_inode != 0, record.script_inode);
    const auto& injected = record.evidence.injected;
    row["injected"] = injected ? ordered_json(to_text(*injected)) : ordered_json();
    row["ancestors"] = texts(record.ancestors);
    row["mount_namespace"] =
        number_or_null(known && record.mount_namespace != 0, record.mount_namespace);
    row["sha256"] = text_or_null(record.sha256);
    row["package"] = text_or_null(record.package);
    row["verity"] = text_or_null(record.evidence.verity);
    row["unread"] = record.unread == NoContent::none ? ordered_json()
                                                     : ordered_json(no_content_name(record.unread));
}

}  // namespace

std::string endpoint_text(const Address& address, std::uint16_t port) {
    if (port == 0) return address.to_string();
    if (address.is_v4()) return fmt::format("{}:{}", address.to_string(), port);
    return fmt::format("[{}]:{}", address.to_string(), port);
}

Cell verdict_cell(Action verdict, Action decision) {
    const std::string name(action_name(verdict));
    if (verdict != decision) return {fmt::format("{} ({})", name, action_name(decision)), Colour::yellow};
    return {name, verdict == Action::accept ? Colour::green : Colour::red};
}

std::string program_text(const AuditRecord& record) {
    if (record.unknown != Unknown::none)
        return fmt::format("unknown:{}", unknown_name(record.unknown));
    if (!record.appimage.empty()) return record.exe + " of " + record.appimage;
    if (!record.script.empty() && !record.script.starts_with(unknown_prefix))
        return record.exe + " " + record.script;
    return record.exe;
}

std::string injected_text(const AuditRecord& record) {
    if (!record.evidence.injected) return "";
    const auto found = static_cast<std::uint8_t>(record.evidence.injected->found & Injections::any);
    return found ? fmt::format(" [{}]", to_text(Injections{found, 0})) : "";
}

std::string destination_text(const AuditRecord& record) {
    if (!about_a_flow(record)) return "";
    const Ends ends = ends_of(record);
    std::string text = endpoint_text(ends.destination, ends.destination_port);
    if (record.direction != Direction::out) text += " from " + ends.source.to_string();
    if (!record.host.empty()) text += " " + record.host;
    return text;
}

std::vector<Column> log_columns() {
    return {
        {.title = "TIME", .minimum = 19},
        {.title = "VERDICT"},
        {.title = "PROGRAM", .shrinks = true, .minimum = 16, .keeps_end = true},
        {.title = "PID", .right = true, .minimum = 6},
        {.title = "USER", .shrinks = true, .minimum = 8},
        {.title = "PROTO"},
        {.title = "DESTINATION", .shrinks = true, .minimum = 20},
        {.title = "RULE", .shrinks = true, .minimum = 12},
    };
}

std::vector<Cell> log_cells(const AuditRecord& record) {
    const bool known = record.pid != 0;
    const std::string user = record.user.empty() ? std::to_string(record.uid) : record.user;
    const std::string injected = injected_text(record);
    return {
        {local_time_text(record.time_us)},
        verdict_cell(record.verdict, record.decision),
        {program_text(record) + injected,
         record.unknown == Unknown::none && injected.empty() ? Colour::none : Colour::yellow},
        {known ? std::to_string(record.pid) : ""},
        {user_known(record) ? user : ""},
        {about_a_flow(record) ? protocol_name(record.protocol) : ""},
        {destination_text(record)},
        rule_cell(record),
    };
}

ordered_json log_json(const AuditRecord& record) {
    const bool packet = about_a_flow(record);
    const Ends ends = ends_of(record);
    ordered_json row;
    row["id"] = record.id;
    row["time"] = utc_time_text(record.time_us);
    row["time_us"] = record.time_us;
    row["verdict"] = action_name(record.verdict);
    row["decision"] = action_name(record.decision);
    row["rule"] = text_or_null(record.rule);
    row["reason"] = escape_text(record.reason);
    row["direction"] = packet ? ordered_json(direction_name(record.direction)) : ordered_json();
    row["protocol"] = packet ? ordered_json(protocol_name(record.protocol)) : ordered_json();
    row["source"] = packet ? ordered_json(ends.source.to_string()) : ordered_json();
    row["source_port"] = number_or_null(packet, ends.source_port);
    row["destination"] = packet ? ordered_json(ends.destination.to_string()) : ordered_json();
    row["destination_port"] = number_or_null(packet, ends.destination_port);
    row["host"] = text_or_null(record.host);
    row["names"] = texts(record.evidence.names);
    row["interface"] = text_or_null(record.evidence.interface);
    row["unknown"] = record.unknown == Unknown::none ? ordered_json()
                                                     : ordered_json(unknown_name(record.unknown));
    add_process(row, record);
    row["attribution"] = source_name(record.source);
    row["latency_ns"] = record.latency_ns < 0 ? ordered_json() : ordered_json(record.latency_ns);
    row["log"] = log_level_name(record.log);
    row["count"] = record.count;
    return row;
}

}  // namespace doorward
