// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_row.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fwd/audit_text.hpp"

namespace doorward {
namespace {

// In the order in which they are bound and read. Their positions are part of what a row's hash is made
// of: a new column goes to the end.
constexpr std::string_view columns[] = {
    "id", "time_us", "verdict", "decision", "rule", "reason", "direction", "protocol", "source",
    "source_port", "destination", "destination_port", "host", "unknown", "pid", "start_ns",
    "exec_id", "uid", "user", "exe", "exe_device", "exe_inode", "command_line",
    "working_directory", "parent_pid", "parent_exe", "cgroup_id", "unit", "attribution",
    "latency_ns", "log", "count", "gid", "slice", "container", "script", "ancestors",
    "mount_namespace", "sha256", "package", "unread", "appimage", "script_device", "script_inode",
    "interface", "names", "units", "slices", "ancestors_whole", "asked", "verity",
    // Written only: the same addresses in a form that an index can search.
    "source_ip", "destination_ip",
    "injected",
};
constexpr std::string_view written_only[] = {"source_ip", "destination_ip"};
// `chain` comes behind them all: it is what they are hashed to.

// Reads from the left; keeps the name of the first column whose value made no sense.
class Reader {
public:
    explicit Reader(const sqlite::Statement& statement) : statement_(statement) {}

    std::string_view text() { return statement_.column_text(index_++); }
    std::string bytes() { return unescape_text(text()); }
    std::int64_t number() { return statement_.column_number(index_++); }
    std::int64_t number_or(std::int64_t if_null) {
        return statement_.column_is_null(index_) ? (++index_, if_null) : number();
    }
    bool is_null() const { return statement_.column_is_null(index_); }
    template <class T>
    T number_as() { return static_cast<T>(number()); }

    template <class T>
    T parsed(std::optional<T> (*parse)(std::string_view)) {
        const std::optional<T> value = parse(text());
        if (!value && wrong_.empty()) wrong_ = columns[index_ - 1];
        return value.value_or(T{});
    }

    std::string_view wrong() const { return wrong_; }

private:
    const sqlite::Statement& statement_;
    int index_ = 0;
    std::string_view wrong_;
};

std::optional<Unknown> parse_unknown_or_empty(std::string_view text) {
    return text.empty() ? Unknown::none : parse_unknown(text);
}

// A row about no packet in particular (lost records) has no addresses.
std::optional<Address> parse_address_or_empty(std::string_view text) {
    return text.empty() ? Address{} : Address::parse(text);
}

std::vector<std::string> values_of(std::string_view lines) {
    std::vector<std::string> values;
    for (std::size_t end; (end = lines.find('\n')) != lines.npos; lines.remove_prefix(end + 1))
        values.push_back(unescape_text(lines.substr(0, end)));
    return values;
}

Facts facts_of(const std::vector<std::string>& names) {
    Facts facts;
    for (const auto& [fact, name] : audit_fact_names)
        if (std::ranges::find(names, name) != names.end()) facts.add(fact);
    return facts;
}

void read_evidence(Reader& from, Evidence& evidence) {
    evidence.recorded = !from.is_null();
    evidence.interface = from.bytes();
    evidence.names = values_of(from.text());
    evidence.group_known = !from.is_null();
    evidence.units = values_of(from.text());
    evidence.slices = values_of(from.text());
    evidence.ancestors_whole = from.number() != 0;
    evidence.asked = facts_of(values_of(from.text()));
    evidence.verity = from.bytes();
}

std::optional<Injections> read_injected(Reader& from) {
    if (from.is_null()) return from.text(), std::nullopt;
    return from.parsed(parse_injections);
}

std::optional<NoContent> parse_no_content_or_empty(std::string_view text) {
    return text.empty() ? NoContent::none : parse_no_content(text);
}

void read_content(Reader& from, AuditRecord& record) {
    record.sha256 = from.bytes();
    record.package = from.bytes();
    record.unread = from.parsed(parse_no_content_or_empty);
    record.appimage = from.bytes();
    record.script_device = from.number_as<std::uint64_t>();
    record.script_inode = from.number_as<std::uint64_t>();
}

void read_identity(Reader& from, AuditRecord& record) {
    record.gid = from.number_as<std::uint32_t>();
    record.slice = from.bytes();
    record.container = from.bytes();
    record.script = from.bytes();
    record.ancestors = values_of(from.text());
    record.mount_namespace = from.number_as<std::uint32_t>();
}

void read_process(Reader& from, AuditRecord& record) {
    record.pid = from.number_as<std::uint32_t>();
    record.start_ns = from.number_as<std::uint64_t>();
    record.exec_id = from.number_as<std::uint64_t>();
    record.uid = from.number_as<std::uint32_t>();
    record.user = from.bytes();
    record.exe = from.bytes();
    record.exe_device = from.number_as<std::uint64_t>();
    record.exe_inode = from.number_as<std::uint64_t>();
    record.command_line = from.bytes();
    record.working_directory = from.bytes();
    record.parent_pid = from.number_as<std::uint32_t>();
    record.parent_exe = from.bytes();
    record.cgroup_id = from.number_as<std::uint64_t>();
    record.unit = from.bytes();
}

void read_endpoints(Reader& from, AuditRecord& record) {
    const auto source = from.parsed(parse_address_or_empty);
    const auto source_port = from.number_as<std::uint16_t>();
    const auto destination = from.parsed(parse_address_or_empty);
    const auto destination_port = from.number_as<std::uint16_t>();
    const bool out = record.direction != Direction::in;
    record.local = out ? source : destination;
    record.local_port = out ? source_port : destination_port;
    record.remote = out ? destination : source;
    record.remote_port = out ? destination_port : source_port;
}

}  // namespace

std::string audit_insert_sql() {
    std::string marks;
    for (std::size_t i = 0; i < std::size(columns); ++i) marks += "?,";
    return fmt::format("INSERT INTO decisions ({}, chain) VALUES ({}?)", fmt::join(columns, ","), marks);
}

std::string audit_linked_columns_sql() { return fmt::format("{}", fmt::join(columns, ",")); }

int audit_linked_columns() { return static_cast<int>(std::size(columns)); }

std::string audit_columns_sql() {
    std::vector<std::string_view> read;
    std::ranges::remove_copy_if(columns, std::back_inserter(read), [](std::string_view column) {
        return std::ranges::find(written_only, column) != std::end(written_only);
    });
    return fmt::format("{}", fmt::join(read, ","));
}

Result<AuditRecord> read_audit_row(const sqlite::Statement& statement) {
    Reader from(statement);
    AuditRecord record;
    record.id = from.number();
    record.time_us = from.number();
    record.verdict = from.parsed(parse_action);
    record.decision = from.parsed(parse_action);
    record.rule = from.bytes();
    record.reason = from.bytes();
    record.direction = from.parsed(parse_direction);
    record.protocol = from.parsed(parse_protocol);
    read_endpoints(from, record);
    record.host = from.bytes();
    record.unknown = from.parsed(parse_unknown_or_empty);
    read_process(from, record);
    record.source = from.parsed(parse_source);
    record.latency_ns = from.number_or(-1);
    record.log = from.parsed(parse_log_level);
    record.count = from.number();
    read_identity(from, record);
    read_content(from, record);
    read_evidence(from, record.evidence);
    record.evidence.injected = read_injected(from);
    if (!from.wrong().empty())
        return fail(
            fmt::format("row {} of the audit log has an unknown {}", record.id, from.wrong()));
    return record;
}

}  // namespace doorward
