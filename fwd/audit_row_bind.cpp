// SPDX-License-Identifier: GPL-2.0-or-later
// The writing half of audit_row.hpp.
#include "fwd/audit_row.hpp"
#include "fwd/audit_text.hpp"

namespace doorward {
namespace {

// Binds from the left, one call per column, and hashes what it binds.
class Binder {
public:
    Binder(sqlite::Statement& statement, LinkContent& content, std::string* escaped)
        : statement_(statement), content_(content), escaped_(escaped) {}

    Binder& text(std::string_view value) {
        content_.text(value);
        return statement_.text(++index_, value), *this;
    }
    Binder& number(std::int64_t value) {
        content_.number(value);
        return statement_.number(++index_, value), *this;
    }
    Binder& blob(std::span<const std::uint8_t> value) {
        content_.blob(value);
        return statement_.blob(++index_, value), *this;
    }
    Binder& null() {
        content_.null();
        return statement_.null(++index_), *this;
    }
    Binder& number_if(bool known, std::uint64_t value) {
        return known ? number(static_cast<std::int64_t>(value)) : null();
    }
    // Bytes that others chose.
    Binder& bytes(const std::string& value) {
        if (is_plain_text(value)) return text(value);
        *escaped_ = escape_text(value);
        return text(*escaped_++);
    }

    // What all the others are hashed to.
    void hash(const Sha256& value) { statement_.blob(++index_, value); }

private:
    sqlite::Statement& statement_;
    LinkContent& content_;
    std::string* escaped_;
    int index_ = 0;
};

struct Endpoint {
    const Address& address;
    std::uint16_t port;
};

void bind_process(Binder& to, const AuditRecord& record) {
    const bool known = record.pid != 0;
    to.number_if(known, record.pid)
        .number_if(known, record.start_ns)
        .number_if(known, record.exec_id)
        .number_if(user_known(record), record.uid)
        .bytes(record.user)
        .bytes(record.exe)
        .number_if(known, record.exe_device)
        .number_if(known, record.exe_inode)
        .bytes(record.command_line)
        .bytes(record.working_directory)
        .number_if(known, record.parent_pid)
        .bytes(record.parent_exe)
        .number_if(known, record.cgroup_id)
        .bytes(record.unit);
}

// One a line: an escaped text has no line feed of its own.
std::string lines_of(const std::vector<std::string>& values) {
    std::string lines;
    for (const std::string& value : values) lines += escape_text(value) + '\n';
    return lines;
}

void bind_identity(Binder& to, const AuditRecord& record, const std::string& ancestors) {
    to.number_if(user_known(record), record.gid)
        .bytes(record.slice)
        .bytes(record.container)
        .bytes(record.script)
        .text(ancestors)
        .number_if(record.mount_namespace != 0, record.mount_namespace);
}

void bind_content(Binder& to, const AuditRecord& record) {
    const bool read = record.unread == NoContent::none;
    to.bytes(record.sha256)
        .bytes(record.package)
        .text(read ? std::string_view() : no_content_name(record.unread))
        .bytes(record.appimage)
        .number_if(record.script_inode != 0, record.script_device)
        .number_if(record.script_inode != 0, record.script_inode);
}

std::string lines_of(Facts facts) {
    std::string lines;
    for (const auto& [fact, name] : audit_fact_names)
        if (facts.has(fact)) (lines += name) += '\n';
    return lines;
}

void bind_evidence(Binder& to, const Evidence& evidence, EvidenceTexts& texts) {
    if (!evidence.recorded) {
        for (int i = 0; i < 7; ++i) to.null();
        return;
    }
    texts = {lines_of(evidence.names), lines_of(evidence.units), lines_of(evidence.slices),
             lines_of(evidence.asked)};
    to.bytes(evidence.interface).text(texts.names);
    if (evidence.group_known) to.text(texts.units).text(texts.slices);
    else to.null().null();
    to.number(evidence.ancestors_whole).text(texts.asked).bytes(evidence.verity);
}

}  // namespace

const Sha256& AuditRowBinder::bind(sqlite::Statement& statement, std::int64_t id,
                                   const AuditRecord& record, const Sha256& before) {
    const bool out = record.direction != Direction::in;
    const Endpoint local{record.local, record.local_port};
    const Endpoint remote{record.remote, record.remote_port};
    const Endpoint& source = out ? local : remote;
    const Endpoint& destination = out ? remote : local;
    const bool packet = about_a_flow(record);
    source_ = packet ? source.address.to_string() : std::string();
    destination_ = packet ? destination.address.to_string() : std::string();
    protocol_ = protocol_name(record.protocol);

    content_.begin(before, LinkKind::row);
    Binder to(statement, content_, escaped_);
    to.number(id)
        .number(record.time_us)
        .text(action_name(record.verdict))
        .text(action_name(record.decision))
        .bytes(record.rule)
        .bytes(record.reason)
        .text(direction_name(record.direction))
        .text(protocol_)
        .text(source_)
        .number(source.port)
        .text(destination_)
        .number(destination.port)
        .bytes(record.host)
        .text(record.unknown == Unknown::none ? std::string_view() : unknown_name(record.unknown));
    bind_process(to, record);
    to.text(source_name(record.source))
        .number_if(record.latency_ns >= 0, static_cast<std::uint64_t>(record.latency_ns))
        .text(log_level_name(record.log))
        .number(record.count);
    ancestors_ = lines_of(record.ancestors);
    bind_identity(to, record, ancestors_);
    bind_content(to, record);
    bind_evidence(to, record.evidence, evidence_);
    if (packet) to.blob(source.address.bytes).blob(destination.address.bytes);
    else to.null().null();
    if (record.evidence.injected) to.text(injected_ = to_text(*record.evidence.injected));
    else to.null();
    hash_ = content_.hash();
    to.hash(hash_);
    return hash_;
}

}  // namespace doorward
