// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_record.hpp"

#include <algorithm>

#include <utility>

namespace doorward {
namespace {

constexpr std::pair<AttributionSource, std::string_view> source_names[] = {
    {AttributionSource::none, "none"},           {AttributionSource::kprobe, "kprobe"},
    {AttributionSource::cgroup, "cgroup"},       {AttributionSource::netfilter, "netfilter"},
    {AttributionSource::listener, "listener"},   {AttributionSource::scan, "scan"},
    {AttributionSource::fentry, "fentry"},       {AttributionSource::tc, "tc"},
};

}  // namespace

std::string_view source_name(AttributionSource source) {
    for (const auto& [value, name] : source_names)
        if (value == source) return name;
    return "none";
}

std::optional<AttributionSource> parse_source(std::string_view text) {
    for (const auto& [value, name] : source_names)
        if (name == text) return value;
    return std::nullopt;
}

bool about_a_flow(const AuditRecord& record) {
    return record.reason != audit_loss && !record.reason.starts_with(packet_socket) &&
           !record.reason.starts_with(table_touched);
}

bool is_repeat(const AuditRecord& record) {
    return about_a_flow(record) && record.direction == Direction::out && record.local.is_unspecified() &&
           record.local_port == 0 && !record.remote.is_unspecified();
}

bool user_known(const AuditRecord& record) { return record.pid != 0 || !record.exe.empty(); }

std::uint64_t flows_of(const AuditRecord& record) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(record.count, 1));
}

}  // namespace doorward
