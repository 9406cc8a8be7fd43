// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon tells and is told over the control socket. Plain data.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "fwd/config.hpp"
#include "fwd/missing_feature.hpp"
#include "fwd/nft_table.hpp"
#include "fwd/rule_changes.hpp"
#include "fwd/rule_lifetime.hpp"
#include "rules/rule.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

struct RulesetStatus {
    std::uint64_t rules = 0;
    std::uint64_t generation = 0;
    std::int64_t loaded_at = 0;             // seconds since the epoch
    std::optional<std::string> last_error;  // of the last reload, if it failed; older rules run on
    std::uint64_t temporary = 0;            // of the rules, in memory only
    std::uint64_t temporary_capacity = 0;
    Defaults defaults;                      // for flows that none of them matches
    std::optional<std::string> trial;       // the folder whose rules are on trial
    std::int64_t trial_until = 0;           // seconds since the epoch; 0: none are
};

struct NamedCount {
    std::string name;
    std::uint64_t count = 0;
};

// Of packets that made the trip to the daemon, by what was done with them.
struct PacketCounters {
    std::uint64_t received = 0;
    std::uint64_t accepted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t rejected = 0;
    std::uint64_t queue_dropped = 0;    // by the kernel: queue or socket buffer full
    std::uint64_t malformed = 0;        // netlink messages that could not be read
    std::vector<NamedCount> unknown;    // decisions without a process, by unknown_name()
};

// One BPF map.
struct MapStatus {
    std::string name;
    std::uint64_t capacity = 0;
    std::uint64_t failed_updates = 0;
};

struct AuditStatus {
    std::string database;
    std::uint64_t written = 0;
    std::uint64_t lost = 0;
    std::uint64_t pending = 0;
    std::optional<std::string> error;  // why nothing is being written
};

// Host names. All counts since the start, but for addresses, hosts_file, queries, connections and flows.
struct NameStatus {
    bool enabled = false;
    std::vector<std::string> resolvers;      // those that are believed
    std::uint64_t addresses = 0;             // with a name from DNS
    std::uint64_t addresses_capacity = 0;
    std::uint64_t addresses_evicted = 0;     // displaced before they expired
    std::uint64_t names_displaced = 0;       // an address had too many
    std::uint64_t hosts_file = 0;            // names in it
    std::uint64_t hosts_file_skipped = 0;    // lines and names that could not be used
    std::uint64_t queries = 0;               // waiting for their answer
    std::uint64_t queries_capacity = 0;
    std::uint64_t queries_evicted = 0;
    std::uint64_t connections = 0;           // DNS over TCP
    std::uint64_t connections_capacity = 0;
    std::uint64_t connections_evicted = 0;
    std::uint64_t flows = 0;                 // TCP connections that keep their names
    std::uint64_t flows_capacity = 0;
    std::uint64_t flows_evicted = 0;
    std::uint64_t answers = 0;               // that gave names
    std::vector<NamedCount> refused;         // what gave none, by reason
    std::uint64_t ring_bytes = 0;
    std::uint64_t ring_lost = 0;             // packets for which the ring had no room
    std::uint64_t ring_stalled = 0;
};

// Frames sent on packet sockets since the start, and requests of these to bypass the hooks.
struct PacketSocketStatus {
    PacketSocketPolicy policy = PacketSocketPolicy::allow;
    std::uint64_t devices = 0;     // watched
    std::uint64_t passed = 0;
    std::uint64_t refused = 0;
    std::uint64_t unrecorded = 0;  // of both, not (yet) in the audit log
};

// A table of the daemon's own that is bounded.
struct TableStatus {
    std::string name;
    std::uint64_t capacity = 0;
    std::uint64_t entries = 0;
    std::uint64_t evicted = 0;  // what had to make room
};

// What was found out about executables' files, for rules with sha256, verity or package.
struct ContentStatus {
    std::uint64_t hashed = 0;          // files hashed to their end
    std::uint64_t hits = 0;            // decisions that found all they needed
    std::vector<NamedCount> failures;  // by no_content_name()
    std::uint64_t parked = 0;          // packets that wait now
    std::uint64_t parked_total = 0;    // that ever did
    std::uint64_t overdue = 0;         // of these, decided without an answer
    std::vector<TableStatus> tables;
};

// Verdicts that the kernel gives again by itself. Since the start, but for entries and capacity.
struct VerdictStatus {
    bool enabled = false;
    std::uint64_t entries = 0;
    std::uint64_t capacity = 0;
    std::uint64_t given = 0;      // collected once a second; part of `packets` by what they were
    std::uint64_t displaced = 0;  // the longest unused, that had to make room
    std::uint64_t no_room = 0;    // decisions that were not kept because all were in use
};

struct GatewayStatus {
    std::string address;
    std::string mac;  // empty: not known
    std::string interface;
};

// The network that this host is in, as rules may ask for it.
struct NetworkStatus {
    bool known = false;
    std::vector<std::string> interfaces;  // that are up
    std::vector<std::string> lan;
    std::vector<std::string> self;
    std::vector<std::string> dns;
    std::vector<std::string> domains;
    std::vector<GatewayStatus> gateways;
    std::vector<std::string> profiles;    // that hold
    bool asked = false;                   // whether rules ask for any of it
    std::uint64_t readings = 0;           // since the start
    std::uint64_t left_out = 0;           // there was no room for them
    std::optional<std::string> error;     // why it is not known
};

// What the daemon may still do, of what root may.
struct ConfinementStatus {
    std::vector<std::string> capabilities;  // "cap_net_admin"
    std::vector<std::string> bounding;      // those that a program it starts could have; it can't start one
    bool no_new_privileges = false;
    bool calls_filtered = false;
    std::vector<NamedCount> refused_calls;  // each is a fault of the daemon, or an attack
};

struct Status {
    std::string version;
    Mode mode = Mode::observe;
    std::string hooks;                    // "kprobe" or "cgroup"
    std::vector<MissingFeature> missing;
    std::uint16_t queue = 0;   // the first
    std::uint16_t queues = 1;  // of consecutive numbers
    QueueKind queue_kind = QueueKind::nft;
    PassPolicy loopback = PassPolicy::accept;
    PassPolicy forward = PassPolicy::accept;
    std::uint32_t pid = 0;
    std::uint64_t uptime_s = 0;
    std::uint64_t network_namespace = 0;  // inode, as `ls -L -i /proc/PID/ns/net` shows it
    RulesetStatus ruleset;
    PacketCounters packets;
    NftCounters netfilter;
    std::uint64_t tables_restored = 0;    // times that another program had removed or changed the table
    PacketSocketStatus packet_sockets;
    AuditStatus audit;
    std::vector<MapStatus> maps;
    NameStatus names;
    ContentStatus content;
    NetworkStatus network;
    VerdictStatus verdicts;
    ConfinementStatus confinement;
};

struct RuleEntry {
    Rule rule;                          // its place says where it is written
    std::optional<std::uint64_t> hits;  // decisions since the rules were loaded, if counted
    Lifetime lifetime{};
};

struct RuleList {
    std::vector<RuleEntry> rules;  // in evaluation order
    Defaults defaults;
};

// All rules as one file, see export_rules() in rules/rule_export.hpp.
struct RuleExport {
    std::string text;
    std::vector<Place> origins;  // of each rule, in evaluation order
};

// An imagined flow. What is not given is left open as the comments say.
struct FlowQuestion {
    Direction direction = Direction::out;
    std::optional<std::string> app{};      // path of the executable
    std::optional<std::string> unknown{};  // instead of `app`: unknown_name() of why there is none
    std::optional<std::uint32_t> pid{};    // instead of `app`: a process that runs; with all that it is
    std::string user = "0";                // name or uid
    std::string group = "0";               // name or gid
    std::optional<std::string> unit{};     // none: in no unit; so the next four
    std::optional<std::string> slice{};
    std::optional<std::string> container{};
    std::optional<std::string> parent{};
    std::optional<std::string> script{};
    std::optional<std::string> injected{};  // as to_text() writes it; none: nothing is
    std::string protocol = "tcp";
    std::optional<std::string> to{};       // destination address; none: 0.0.0.0
    std::optional<std::string> from{};     // source address; none: 0.0.0.0
    std::uint16_t port = 0;                // destination port
    std::optional<std::string> domain{};   // name of the remote address; none: it has none
    std::optional<std::string> interface{};  // its way out or, inbound, in; none: not known
};

struct ExplainedTrial {
    std::string rule;
    Place place;
    std::string failed;  // condition_name() of the first condition that was not met
    std::uint64_t held = 0;  // conditions that were met before it
};

struct Explanation {
    Action action = Action::drop;
    std::optional<std::string> rule;     // none: the default decided
    Place place;                         // of the rule
    std::vector<ExplainedTrial> trials;  // the rules before, in order
};

// A flow that is open now and was accepted.
struct OpenFlow {
    Direction direction = Direction::out;
    Protocol protocol{};
    Address local;
    Address remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    std::string exe;                   // empty: not known, see `unknown`
    std::optional<std::uint32_t> pid;  // of the process, if that is known
    std::optional<std::uint32_t> uid;  // so its
    std::string user;
    std::string unit;                  // empty: in none, or not known; so the next four
    std::string container;
    std::string appimage;
    std::string script;
    std::string injected;              // as to_text() writes it; empty: nothing is, or nobody is known
    std::string host;                  // name of the remote
    std::optional<std::string> unknown;
    Action verdict = Action::accept;
    Action decision = Action::accept;  // what the rules say; differs from verdict in observe mode
    std::optional<std::string> rule;   // none: the default decided
    std::int64_t time_us = 0;          // of the decision: microseconds since the epoch
    std::uint64_t age_s = 0;           // since then
    // Bytes of IP packets by the local end (of forwarded flows: by who opened it) and to it; none: the kernel
    // has not counted.
    std::optional<std::uint64_t> sent;
    std::optional<std::uint64_t> received;
};

// Names one open flow, and whose it was when it was looked at.
struct FlowEnds {
    Direction direction = Direction::out;
    Protocol protocol{};
    Address local;
    Address remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    std::uint32_t pid = 0;  // 0: not known
};

// Why the daemon did not do what it was asked.
struct ControlFailure {
    enum class Kind : std::uint8_t {
        rule_not_found,
        rule_exists,
        invalid_rule,     // the rule itself, or the question, makes no sense
        nothing_to_undo,
        flow_kept,        // a flow that was to be cut goes on, or has ended by itself
        candidate_refused,  // rules that were to be applied
        trial_pending,      // rules are on trial: confirm or go back first
        nothing_pending,    // none are
        reload_failed,    // the rule files on disk do not compile; older rules run on
        failed,           // anything else: a file can't be written, netlink refused, …
    };
    Kind kind = Kind::failed;
    Error error;
};

template <class T>
using Controlling = std::expected<T, ControlFailure>;

inline std::unexpected<ControlFailure> control_fail(ControlFailure::Kind kind, Error error) {
    return std::unexpected(ControlFailure{kind, std::move(error)});
}

// What the control socket can ask of the daemon. Called on the thread of the event loop. Whether
// the caller may is checked before.
class Controlled {
public:
    virtual ~Controlled() = default;

    virtual Status status() = 0;
    virtual RuleList rules() = 0;
    virtual RuleExport export_rules() = 0;
    virtual Controlling<RuleChange> add_rule(const Rule& rule, bool first, const Lifetime& lifetime) = 0;
    virtual Controlling<RuleChange> remove_rule(const std::string& name) = 0;
    virtual Controlling<RuleChange> set_rule_enabled(const std::string& name, bool enabled) = 0;
    virtual Controlling<Undone> undo_change() = 0;
    virtual Controlling<Applied> apply(const ApplyRequest& request) = 0;
    virtual Controlling<Applied> confirm() = 0;
    virtual Controlling<Reloaded> revert() = 0;
    virtual Controlling<Reloaded> reload() = 0;
    virtual Controlling<void> set_mode(Mode mode) = 0;
    virtual Controlling<Explanation> explain(const FlowQuestion& question) = 0;
    virtual Controlling<std::vector<OpenFlow>> flows() = 0;
    virtual Controlling<void> cut_flow(const FlowEnds& flow) = 0;
};

}  // namespace doorward
