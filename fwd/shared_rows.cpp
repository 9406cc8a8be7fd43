// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/shared_rows.hpp"

namespace doorward {

// What comes in, and what passes through, differs in the end that a shared row leaves out.
bool SharedRows::may_share(const Decided& decided) {
    if (decided.repeat || decided.flow.direction != Direction::out || decided.flow.remote.is_unspecified()) return false;
    return decided.rule == Decision::no_rule || decided.rules->log(decided.rule) == LogLevel::audit;
}

SharedRows::Key SharedRows::key_of(const Decided& decided) {
    return {.process = decided.process.get(),
            .rules = decided.rules.get(),
            .host = decided.host.get(),
            .content = decided.content.get(),
            .remote = decided.flow.remote.bytes,
            .rule = decided.rule,
            .remote_port = decided.flow.remote_port,
            .protocol = static_cast<std::uint8_t>(decided.flow.protocol),
            .verdict = static_cast<std::uint8_t>(decided.verdict),
            .decision = static_cast<std::uint8_t>(decided.decision),
            .unknown = static_cast<std::uint8_t>(decided.flow.unknown),
            .source = static_cast<std::uint8_t>(decided.source),
            .pad = {}};
}

bool SharedRows::join(Decided& decided, std::vector<AuditRecord>& batch) {
    if (!may_share(decided)) return false;
    const auto [at, fresh] = kinds_.try_emplace(key_of(decided));
    Kind& kind = at->second;
    if (fresh) {
        kind.first = decided;
        return false;
    }
    if (kind.first.other_names != decided.other_names) return false;
    if (kind.row) {
        AuditRecord& row = batch[*kind.row];
        row.count += static_cast<std::int64_t>(decided.count);
        row.time_us = decided.time_us;
        return true;
    }
    kind.row = batch.size();
    become_repeat(decided);
    return false;
}

}  // namespace doorward
