// SPDX-License-Identifier: GPL-2.0-or-later
// What a decision is made of: a process, a direction and two endpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/address.hpp"
#include "rules/control_group.hpp"
#include "rules/content.hpp"
#include "rules/injections.hpp"
#include "rules/packet.hpp"

namespace doorward {

// Who opened the flow: this host (out) or the other side (in). Forwarded flows pass through between
// others, such as containers of this host and the network; `local` is then the opener's end.
enum class Direction : std::uint8_t { out, in, forward };

std::string_view direction_name(Direction direction);  // "out", "in", "forward"
std::optional<Direction> parse_direction(std::string_view text);

// Why a flow has no process. Stable names (`unknown_name`), used in rules and in the audit log.
enum class Unknown : std::uint8_t {
    none,              // the process is known
    no_binding,        // no hook saw a process send this
    no_listener,       // inbound, and no process is known to hold the local port
    kernel,            // sent by the kernel itself or one of its threads
    process_lost,      // a hook saw it, but its record was evicted before it was read
    path_unreadable,   // the executable's path could not be taken (too long, or too deep)
    bad_packet,        // the packet's headers are cut short or contradict themselves
    ambiguous,         // the port changed hands while the packet waited: it may be either's
    forwarded,         // passes through: sent by another host, or unseen in another namespace
};

inline constexpr std::size_t unknown_reasons = 9;  // `none` included

std::string_view unknown_name(Unknown reason);  // "no-binding", "kernel", …
std::optional<Unknown> parse_unknown(std::string_view text);

// A process as the kernel hooks saw it. Identified by (pid, start, exec_id): a pid alone is reused,
// and one process runs several programs in turn by exec.
struct Process {
    std::uint32_t pid = 0;            // tgid in the initial pid namespace
    std::uint64_t start_ns = 0;       // CLOCK_BOOTTIME nanoseconds at which it was forked
    std::uint64_t exec_id = 0;        // counts its execs
    std::uint32_t uid = 0;            // real uid and gid
    std::uint32_t gid = 0;
    std::uint32_t parent_pid = 0;
    std::uint64_t exe_device = 0;     // the kernel's s_dev, not stat's st_dev (they differ on overlayfs)
    std::uint64_t exe_inode = 0;
    std::uint64_t exe_size = 0;       // bytes; with the times: which version of the file it runs
    std::int64_t exe_mtime_ns = 0;    // since the epoch, as the kernel keeps it
    std::int64_t exe_ctime_ns = 0;
    std::uint64_t cgroup_id = 0;      // cgroup v2
    std::uint32_t mount_namespace = 0;
    bool exe_unlinked = false;        // the executable had no name left when the hook ran
    std::string exe;                  // path from the root of its mount namespace
    std::string appimage;             // the AppImage's own path, if exe is part of one, else empty
    std::string comm;                 // at most 15 bytes; chosen by the process, not evidence
    std::string command_line;         // arguments joined by one space; chosen by the process
    std::string parent_exe;           // empty if not known
    ControlGroup control_group;       // empty if not known
    // Executables of those who forked it, its parent first, as of then; "" for one that isn't known.
    std::vector<std::string> ancestors;
    bool ancestors_whole = false;     // there are no more, and none of them is unknown
    std::string script;               // what the interpreter `exe` was started to run; empty if not known
    // Of the file that was at that path when the process was first named, as stat() shows them; 0: none, or
    // not known. It need not be the one that was run.
    std::uint64_t script_device = 0;
    std::uint64_t script_inode = 0;
    Injections injected;              // as of when it sent

    bool operator==(const Process&) const = default;
};

struct Flow {
    Direction direction = Direction::out;
    Protocol protocol{};
    Address local;
    Address remote;
    std::uint16_t local_port = 0;   // host byte order
    std::uint16_t remote_port = 0;  // host byte order
    const Process* process = nullptr;  // not owned; null if and only if `unknown` is not none
    Unknown unknown = Unknown::none;
    // Outbound: what the remote address is called, as far as this host was told (normal host names,
    // newest first). Not owned.
    std::span<const std::string_view> names;
    const ExecutableContent* content = nullptr;  // not owned; null: nobody has looked
    std::string_view interface{};  // the packet's way out (inbound: in); empty: not known. Not owned.

    // Source and destination of the packet that opened the flow; `to`, `from` and `port` in a rule
    // speak of these, so they read the same for both directions.
    const Address& source() const { return direction == Direction::in ? remote : local; }
    const Address& destination() const { return direction == Direction::in ? local : remote; }
    std::uint16_t destination_port() const {
        return direction == Direction::in ? local_port : remote_port;
    }
};

}  // namespace doorward
