// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/flow_filter.hpp"

#include <algorithm>

namespace doorward {
namespace {

bool matches(const TextFilter& filter, const std::string& text) {
    if (const auto* glob = std::get_if<Glob>(&filter.what)) return glob->matches(text);
    return std::get<std::string>(filter.what) == text;
}

bool names_path(const AppFilter& filter, const std::string& path) {
    if (path.empty()) return false;
    if (const auto* paths = std::get_if<AppFilter::Paths>(&filter.what))
        return std::ranges::find(paths->paths, path) != paths->paths.end();
    if (const auto* glob = std::get_if<Glob>(&filter.what)) return glob->matches(path);
    if (const auto* name = std::get_if<AppFilter::Name>(&filter.what))
        return path.ends_with("/" + name->name);
    return false;
}

bool matches(const AppFilter& filter, const OpenFlow& flow) {
    if (const auto* unknown = std::get_if<AppFilter::NotKnown>(&filter.what)) {
        if (!flow.unknown) return false;
        return !unknown->reason || *flow.unknown == unknown_name(*unknown->reason);
    }
    return names_path(filter, flow.exe) || names_path(filter, flow.appimage);
}

// One end of the flow's first packet. A name is the remote's.
bool matches(const EndFilter& filter, const OpenFlow& flow, bool remote) {
    if (const auto* prefix = std::get_if<Prefix>(&filter.what))
        return prefix->contains(remote ? flow.remote : flow.local);
    if (!remote || flow.direction == Direction::forward) return false;
    std::string host = flow.host;
    std::ranges::transform(host, host.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::string& name = std::get<std::string>(filter.what);
    return host == name || host.ends_with("." + name);
}

template <class Filter, class... What>
bool met(const std::optional<Filter>& filter, const What&... what) {
    return !filter || matches(*filter, what...);
}

bool has_injected(const OpenFlow& flow, std::uint8_t bits) {
    const auto injected = parse_injections(flow.injected);
    return injected && injected->found & bits;
}

}  // namespace

bool matches(const AuditFilter& filter, const OpenFlow& flow) {
    const bool in = flow.direction == Direction::in;
    if (!filter.verdicts.empty() && std::ranges::find(filter.verdicts, flow.verdict) == filter.verdicts.end()) return false;
    if (filter.denied && flow.decision == Action::accept) return false;
    if (filter.since_us && flow.time_us < *filter.since_us) return false;
    if (filter.until_us && flow.time_us >= *filter.until_us) return false;
    const bool known = !flow.exe.empty();
    if (filter.uid && flow.uid != filter.uid) return false;
    if (filter.user && !(known && flow.user == *filter.user)) return false;
    if (filter.pid && flow.pid != filter.pid) return false;
    if (filter.port && (in ? flow.local_port : flow.remote_port) != *filter.port) return false;
    if (filter.injected && !has_injected(flow, *filter.injected)) return false;
    if (filter.rule && flow.rule.value_or("") != *filter.rule) return false;
    return met(filter.app, flow) && met(filter.to, flow, !in) && met(filter.from, flow, in) &&
           met(filter.unit, flow.unit) && met(filter.container, flow.container) &&
           met(filter.script, flow.script);
}

}  // namespace doorward
