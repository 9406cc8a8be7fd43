// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_interface.hpp"

namespace doorward {

std::string_view control_interface() {
    return R"(# Asks and changes a running doorwardd. Asking is for root and the read group, changing for root
# and the change group; the caller is known by the kernel's credentials of its connection.
interface org.doorward.Control

type Place (file: string, line: int, column: int)
type MissingFeature (name: string, consequence: string)
type NamedCount (name: string, count: int)

# temporary: how many of the rules are in memory only.
type RulesetStatus (
  rules: int,
  generation: int,
  loaded_at: int,
  last_error: ?string,
  temporary: int,
  temporary_capacity: int,
  defaults: Defaults,
  trial: ?string,
  trial_until: int
)

type PacketCounters (
  received: int,
  accepted: int,
  dropped: int,
  rejected: int,
  queue_dropped: int,
  malformed: int,
  unknown: []NamedCount
)

# Packets that passed, or were answered, without a trip to the daemon.
type NetfilterCounters (
  decided: int,
  known: int,
  loopback: int,
  neighbour: int,
  answers: int,
  queued: int,
  rejected: int
)

# Frames that were sent on packet sockets. unrecorded: of these, not (yet) in the audit log.
type PacketSocketStatus (
  policy: (allow, record, refuse),
  devices: int,
  passed: int,
  refused: int,
  unrecorded: int
)

type MapStatus (name: string, capacity: int, failed_updates: int)

type AuditStatus (database: string, written: int, lost: int, pending: int, error: ?string)

# Host names, from DNS and from the hosts file. refused counts what gave none, by reason.
type NameStatus (
  enabled: bool,
  resolvers: []string,
  addresses: int,
  addresses_capacity: int,
  addresses_evicted: int,
  names_displaced: int,
  hosts_file: int,
  hosts_file_skipped: int,
  queries: int,
  queries_capacity: int,
  queries_evicted: int,
  connections: int,
  connections_capacity: int,
  connections_evicted: int,
  flows: int,
  flows_capacity: int,
  flows_evicted: int,
  answers: int,
  refused: []NamedCount,
  ring_bytes: int,
  ring_lost: int,
  ring_stalled: int
)

# One table that is bounded. evicted: what had to make room.
type TableStatus (name: string, capacity: int, entries: int, evicted: int)

# What was found out about executables' files for rules that ask for it. failures: by reason.
# parked: packets that wait for it now; parked_total: that ever did; overdue: decided without it.
type ContentStatus (
  hashed: int,
  hits: int,
  failures: []NamedCount,
  parked: int,
  parked_total: int,
  overdue: int,
  tables: []TableStatus
)

# Verdicts that the kernel gives again by itself. given: collected once a second, and part of the packets.
# displaced: entries that had to make room; no_room: decisions that found none.
type VerdictStatus (
  enabled: bool,
  entries: int,
  capacity: int,
  given: int,
  displaced: int,
  no_room: int
)

# What the daemon may still do, of what root may. bounding: what a program that it starts could have.
# refused_calls: system calls that its own filter has refused; each is a fault of the daemon or an attack.
type ConfinementStatus (
  capabilities: []string,
  bounding: []string,
  no_new_privileges: bool,
  calls_filtered: bool,
  refused_calls: []NamedCount
)

# mac: empty if it is not known.
type GatewayStatus (address: string, mac: string, interface: string)

# The network that this host is in, as rules may ask for it: interfaces that are up, the networks they
# are attached to (lan), this host's addresses (self), whom it asks for names (dns), its search domains
# and default gateways. profiles: those that hold. asked: whether rules ask for any of it. left_out:
# links, addresses and gateways for which there was no room. error: why nothing is known.
type NetworkStatus (
  known: bool,
  interfaces: []string,
  lan: []string,
  self: []string,
  dns: []string,
  domains: []string,
  gateways: []GatewayStatus,
  profiles: []string,
  asked: bool,
  readings: int,
  left_out: int,
  error: ?string
)

type Status (
  version: string,
  mode: (observe, enforce),
  hooks: string,
  missing: []MissingFeature,
  queue: int,
  queues: int,
  queue_kind: (nft, xtables),
  loopback: (accept, filter),
  forward: (accept, filter),
  pid: int,
  uptime_s: int,
  network_namespace: int,
  ruleset: RulesetStatus,
  packets: PacketCounters,
  netfilter: NetfilterCounters,
  tables_restored: int,
  packet_sockets: PacketSocketStatus,
  audit: AuditStatus,
  maps: []MapStatus,
  names: NameStatus,
  content: ContentStatus,
  network: NetworkStatus,
  verdicts: VerdictStatus,
  confinement: ConfinementStatus
)

# The conditions of a rule, by the keys that they have in a rule file; see doorward-rules(5).
type Conditions (
  direction: ?(out, in, forward),
  app: ?[]string,
  user: ?[]string,
  group: ?[]string,
  unit: ?[]string,
  slice: ?[]string,
  container: ?[]string,
  parent: ?[]string,
  script: ?[]string,
  injected: ?[]string,
  package: ?[]string,
  verity: ?[]string,
  sha256: ?[]string,
  protocol: ?[]string,
  to: ?[]string,
  from: ?[]string,
  port: ?[]string,
  domain: ?[]string,
  interface: ?[]string,
  profile: ?[]string,
  when: ?[]string
)

# The same with what else a rule has.
type Rule (
  name: string,
  action: (accept, drop, reject),
  log: ?(audit, journal),
  enabled: ?bool,
  expires: ?string,
  tags: ?[]string,
  comment: ?string,
  not: ?Conditions,
  direction: ?(out, in, forward),
  app: ?[]string,
  user: ?[]string,
  group: ?[]string,
  unit: ?[]string,
  slice: ?[]string,
  container: ?[]string,
  parent: ?[]string,
  script: ?[]string,
  injected: ?[]string,
  package: ?[]string,
  verity: ?[]string,
  sha256: ?[]string,
  protocol: ?[]string,
  to: ?[]string,
  from: ?[]string,
  port: ?[]string,
  domain: ?[]string,
  interface: ?[]string,
  profile: ?[]string,
  when: ?[]string
)

# A rule that is in memory only has until: it lasts until the daemon ends, or the process pid. Its place
# then says that in words, on line 0.
type RuleEntry (rule: Rule, place: Place, hits: ?int, until: ?(restart, exit), pid: ?int)
type Defaults (
  out: (accept, drop, reject),
  in: (accept, drop, reject),
  forward: (accept, drop, reject)
)
type RuleList (rules: []RuleEntry, defaults: Defaults)
# text: a rule file with all rules, sets and profiles. origins: where each rule was written, in the
# order in which they are tried.
type RuleExport (text: string, origins: []Place)

# position counts from 1 in evaluation order; of a removed rule it is where the rule was.
type RuleChange (name: string, file: string, position: int, rules: int)
# what: the change that was taken back or, with again, done once more; in words.
type Undone (what: string, again: bool, rules: int)
# The TCP connection through which somebody works on this host; local is this host's end.
type Session (local: string, remote: string, local_port: int, remote_port: int)
# files: how many of the rule folder's have changed or, on trial, would. until: seconds since the epoch.
# cuts_session: the rules would not let the session pass. kept: the temporary rule that lets it pass.
type Applied (rules: int, files: int, until: ?int, cuts_session: bool, kept: ?string)
type Reloaded (rules: int, generation: int)

# An imagined flow. app is the path of an executable, unknown a reason for not knowing one, pid a process
# that runs, in the daemon's PID namespace; one of the three has to be given, and with pid neither user
# nor anything else that a process is. What else is missing: out, user 0, group 0, no unit, slice, container, parent
# or script, nothing injected (preload, library-path, tracer, filter: with a comma between them), tcp, 0.0.0.0, port 0, no domain, on
# an interface that is not known.
type Question (
  direction: ?(out, in),
  app: ?string,
  unknown: ?string,
  pid: ?int,
  user: ?string,
  group: ?string,
  unit: ?string,
  slice: ?string,
  container: ?string,
  parent: ?string,
  script: ?string,
  injected: ?string,
  protocol: ?string,
  to: ?string,
  from: ?string,
  port: ?int,
  domain: ?string,
  interface: ?string
)

# held: conditions that were met before the one that was not.
type Trial (rule: string, place: Place, failed: string, held: int)
# rule is null where the default decides.
type Explanation (action: (accept, drop, reject), rule: ?string, place: Place, trials: []Trial)

type OpenFlow (
  direction: (out, in, forward),
  protocol: string,
  local: string,
  remote: string,
  local_port: int,
  remote_port: int,
  exe: string,
  pid: int,
  uid: int,
  user: string,
  unit: string,
  container: string,
  appimage: string,
  script: string,
  injected: string,
  host: string,
  unknown: ?string,
  verdict: (accept, drop, reject),
  decision: (accept, drop, reject),
  rule: ?string,
  time_us: int,
  age_s: int,
  sent: ?int,
  received: ?int
)

type FlowEnds (
  direction: (out, in, forward),
  protocol: string,
  local: string,
  remote: string,
  local_port: ?int,
  remote_port: ?int,
  pid: ?int
)

method GetStatus() -> (status: Status)
# Rules in the order in which they are tried, then the defaults.
method ListRules() -> (list: RuleList)
method ExportRules() -> (export: RuleExport)
# Writes the rule to a file that the daemon chooses; with until, keeps it in memory only. pid is needed with
# exit and makes no sense without: a process of the daemon's PID namespace. started: when it did, as
# field 22 of /proc/PID/stat has it; if that is given, another process of this number is refused.
method AddRule(
  rule: Rule,
  position: (first, last),
  until: ?(restart, exit),
  pid: ?int,
  started: ?int
) -> (change: RuleChange)
method RemoveRule(name: string) -> (change: RuleChange)
method SetRuleEnabled(name: string, enabled: bool) -> (change: RuleChange)
# Takes back the last change that was made by one of the methods that change rules. Once more, and that
# is done again.
method UndoChange() -> (undone: Undone)
# Puts the rules of another folder in force, which must be as safe as the rule folder. Without confirm its
# files become the rule folder's at once; with it, only ConfirmRules makes them that, and after so many
# seconds, or when the daemon ends, the former rules are in force again.
method ApplyRules(folder: string, confirm: ?int, session: ?Session) -> (applied: Applied)
method ConfirmRules() -> (applied: Applied)
method RevertRules() -> (reloaded: Reloaded)
method Reload() -> (reloaded: Reloaded)
method SetMode(mode: (observe, enforce)) -> ()
# What the rules that run now would decide, by the code that decides.
method Explain(question: Question) -> (explanation: Explanation)
# decision: what the rules say, which in observe mode is not what happened (verdict). time_us: when that was,
# in microseconds since the epoch; age_s: seconds since then. sent, received: bytes of IP packets by and to the local end, or null where the kernel did not count.
method ListFlows() -> (flows: []OpenFlow)
# Closes the socket of a flow that ListFlows told of, unless it is another process's by now.
method CutFlow(flow: FlowEnds) -> ()

error PermissionDenied (message: string)
error RuleNotFound (message: string)
error RuleExists (message: string)
error InvalidRule (message: string)
error CandidateRefused (message: string)
error TrialPending (message: string)
error NothingPending (message: string)
error NothingToUndo (message: string)
error FlowKept (message: string)
error ReloadFailed (message: string)
error Failed (message: string)
# The bytes were no call; the connection is closed.
error ProtocolError (message: string)
error TooManyClients (message: string)
)";
}

std::string_view varlink_service_interface() {
    return R"(# The Varlink Service Interface is provided by every varlink service. It
# describes the service and the interfaces it implements.
interface org.varlink.service

# Get a list of all the interfaces a service provides and information
# about the implementation.
method GetInfo() -> (
  vendor: string,
  product: string,
  version: string,
  url: string,
  interfaces: []string
)

# Get the description of an interface that is implemented by this service.
method GetInterfaceDescription(interface: string) -> (description: string)

# The requested interface was not found.
error InterfaceNotFound (interface: string)

# The requested method was not found
error MethodNotFound (method: string)

# The interface defines the requested method, but the service does not
# implement it.
error MethodNotImplemented (method: string)

# One of the passed parameters is invalid.
error InvalidParameter (parameter: string)

# Client is denied access
error PermissionDenied ()

# Method is expected to be called with 'more' set to true, but wasn't
error ExpectedMore ()
)";
}

}  // namespace doorward
