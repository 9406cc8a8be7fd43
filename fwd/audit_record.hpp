// SPDX-License-Identifier: GPL-2.0-or-later
// One decision, as the audit log keeps it. Plain data, shared by the writer and `doorward log`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/flow.hpp"
#include "rules/rule.hpp"

namespace doorward {

// How the process of a flow was found.
enum class AttributionSource : std::uint8_t {
    none,        // it was not
    kprobe,      // a kprobe saw the send
    cgroup,      // a cgroup or sockops hook saw it
    netfilter,   // a BPF program on the netfilter hook saw the packet leave its sender
    listener,    // inbound: the process that bound the local port
    scan,        // the socket existed before the daemon started
    fentry,      // as kprobe, by the kernel's own call
    tc,          // a packet socket's frame was seen on its way into a device
};

std::string_view source_name(AttributionSource source);
std::optional<AttributionSource> parse_source(std::string_view text);

// The reason of rows that stand for decisions whose own rows were lost; `count` says how many.
inline constexpr std::string_view audit_loss = "audit-loss";
// What reasons of rows about packet sockets begin with; `count` says how many frames.
inline constexpr std::string_view packet_socket = "packet-socket";

// What reasons of rows begin with that say who has changed the firewall's own table, which was then put back.
inline constexpr std::string_view table_touched = "table-";

// What the decision could look at beside what people read in a row: with it, rules can be asked again.
struct Evidence {
    bool recorded = false;           // false: the row is of a version that kept nothing of this
    std::string interface;           // as in Flow; empty: not known then
    std::vector<std::string> names;  // of the remote, newest first; the first one is `host`
    bool group_known = false;        // the next two, and the record's `container`, are all there are
    std::vector<std::string> units;  // as in ControlGroup
    std::vector<std::string> slices;
    bool ancestors_whole = false;    // as in Process
    Facts asked;                     // what was looked up of the executable's file
    std::string verity;              // as in ExecutableContent
    std::optional<Injections> injected;  // as in Process; nothing: not known

    bool operator==(const Evidence&) const = default;
};

struct AuditRecord {
    std::int64_t id = 0;               // row id; 0 before it is written
    std::int64_t time_us = 0;          // of the decision: microseconds since the epoch, UTC
    Action verdict = Action::drop;     // what happened to the packet
    Action decision = Action::drop;    // what the rules say; differs from verdict in observe mode
    std::string rule;                  // empty: the default decided
    std::string reason;                // "rule", "default-out", "default-in", "queue-closed", …
    Direction direction = Direction::out;
    Protocol protocol{};
    Address local;
    Address remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    std::string host;                  // name of the remote, if known
    Unknown unknown = Unknown::none;   // why there is no process below
    // 0: not known; all below are empty then. But where the kernel gave a verdict again to several processes
    // (is_repeat()), what they have in common is known: exe, uid, gid.
    std::uint32_t pid = 0;
    std::uint64_t start_ns = 0;        // CLOCK_BOOTTIME
    std::uint64_t exec_id = 0;         // counts the execs of the process
    std::uint32_t uid = 0;
    std::string user;                  // name of the uid when the row was written
    std::string exe;
    std::string appimage;              // as in Process
    std::uint64_t exe_device = 0;      // kernel s_dev
    std::uint64_t exe_inode = 0;
    std::string command_line;
    std::string working_directory;     // empty if it was gone by the time it was asked for
    std::uint32_t parent_pid = 0;
    std::string parent_exe;
    std::uint64_t cgroup_id = 0;       // cgroup v2
    std::string unit;                  // systemd unit, from the cgroup
    std::uint32_t gid = 0;
    std::string slice;                 // the innermost
    std::string container;             // as in ControlGroup
    std::string script;
    std::uint64_t script_device = 0;   // as in Process, as is the next
    std::uint64_t script_inode = 0;
    std::vector<std::string> ancestors;  // as in Process
    std::uint32_t mount_namespace = 0;
    AttributionSource source = AttributionSource::none;
    std::int64_t latency_ns = -1;      // from the hook to the verdict; -1: no hook saw it
    std::string sha256;                // of the executable, in hex; empty: no rule asked, or unread
    std::string package;               // that owns it; empty: the same, or none does
    NoContent unread = NoContent::none;  // why the executable could not be read
    Evidence evidence;
    LogLevel log = LogLevel::audit;
    std::int64_t count = 1;            // decisions alike that this row stands for

    bool operator==(const AuditRecord&) const = default;
};

// Whether the row is about a flow, and its addresses, ports and protocol mean something.
bool about_a_flow(const AuditRecord& record);

// Whether the row stands for flows that the kernel decided by itself, as it was told to by an earlier
// decision. Their source, and the way they went, is not known.
bool is_repeat(const AuditRecord& record);

// Whether uid and gid mean something: the process is known, or its program.
bool user_known(const AuditRecord& record);

// How many flows the row stands for: at least itself, whatever somebody wrote there.
std::uint64_t flows_of(const AuditRecord& record);

}  // namespace doorward
