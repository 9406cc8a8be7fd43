// SPDX-License-Identifier: GPL-2.0-or-later
// What the control socket may ask of the daemon.
#include <algorithm>
#include <ctime>
#include <iterator>
#include <unordered_map>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fwd/clock.hpp"
#include "fwd/confinement.hpp"
#include "fwd/daemon.hpp"
#include "fwd/explain.hpp"
#include "fwd/local_time.hpp"
#include "fwd/log.hpp"
#include "fwd/running_process.hpp"
#include "fwd/socket_lookup.hpp"
#include "fwd/version.hpp"
#include "rules/rule_export.hpp"

namespace doorward {
namespace {

// The event loop stands still meanwhile.
constexpr auto longest_look = std::chrono::milliseconds(3000);

std::uint64_t network_namespace() {
    struct stat status{};
    return ::stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

PacketCounters packet_counters(const QueueCounters& queue, const DecisionCounters& decisions) {
    PacketCounters counters;
    const auto by_verdict = [&](Action action) {
        return decisions.by_verdict[static_cast<std::size_t>(action)].load();
    };
    counters.received = queue.received;
    counters.accepted = by_verdict(Action::accept);
    counters.dropped = by_verdict(Action::drop);
    counters.rejected = by_verdict(Action::reject);
    counters.queue_dropped = queue.kernel_dropped;
    counters.malformed = queue.malformed;
    for (std::size_t i = 1; i < decisions.by_unknown.size(); i++) {
        const auto name = unknown_name(static_cast<Unknown>(i));
        if (!name.empty()) counters.unknown.push_back({std::string(name), decisions.by_unknown[i]});
    }
    return counters;
}

std::vector<MapStatus> map_status(const Limits& limits, PassPolicy forward,
                                  const std::array<std::uint64_t, DW_FAILURES>& failures) {
    return {{"bindings", limits.bindings, failures[DW_FAIL_BINDINGS]},
            {"processes", limits.processes, failures[DW_FAIL_PROCESSES]},
            {"holders", limits.listeners, failures[DW_FAIL_HOLDERS]},
            {"foreign", forward == PassPolicy::filter ? limits.bindings : 1, failures[DW_FAIL_FOREIGN]},
            {"senders", (limits.bindings + 1) / 2, failures[DW_FAIL_SENDERS]},
            {"grants", (limits.bindings + 1) / 2, failures[DW_FAIL_GRANTS]},
            {"programs", running_programs(limits), failures[DW_FAIL_PROGRAMS]},
            {"packet_senders", DW_PACKET_SENDERS, failures[DW_FAIL_PACKET_SENDERS]}};
}

VerdictStatus verdict_status(const VerdictCounters& counters) {
    return {.enabled = counters.capacity != 0, .entries = counters.entries, .capacity = counters.capacity,
            .given = counters.given, .displaced = counters.displaced, .no_room = counters.no_room};
}

ContentStatus content_status(const ContentCounters& contents, const ParkedCounters& parked,
                             std::size_t parking_room) {
    ContentStatus status;
    status.hashed = contents.hashed;
    status.hits = contents.hits;
    status.parked = parked.now;
    status.parked_total = parked.total;
    status.overdue = parked.overdue;
    for (std::size_t i = 1; i < contents.failures.size(); i++) {
        const auto reason = static_cast<NoContent>(i);
        std::uint64_t count = contents.failures[i];
        if (reason == NoContent::timed_out) count += parked.overdue;
        if (reason == NoContent::too_many) count += parked.refused;
        status.failures.push_back({std::string(no_content_name(reason)), count});
    }
    status.tables = {
        {"digests", contents.capacity, contents.cached, contents.evicted},
        {"files to read", contents.pending_capacity, contents.pending, 0},
        {"parked packets", parking_room, parked.now, 0},
        {"packaged paths", PathIndex::most_paths, contents.packaged_paths,
         contents.packaged_paths_left_out},
    };
    return status;
}

template <class T>
std::vector<std::string> texts_of(const std::vector<T>& values) {
    std::vector<std::string> texts;
    for (const T& value : values) texts.push_back(value.to_string());
    return texts;
}

NetworkStatus network_status(const ActiveRules& active) {
    NetworkStatus status;
    status.asked = active.rules->asks_network();
    if (!active.network) return status;
    const Network& network = active.network->network;
    status.known = true;
    status.interfaces = network.interfaces;
    status.lan = texts_of(network.lan);
    status.self = texts_of(network.self);
    status.dns = texts_of(network.dns);
    status.domains = network.domains;
    for (const Gateway& gateway : network.gateways)
        status.gateways.push_back({gateway.address.to_string(), gateway.mac, gateway.interface});
    status.profiles = active.rules->profiles_in(network);
    status.left_out = active.network->left_out;
    return status;
}

ControlFailure failure(ControlFailure::Kind kind, const Error& error) { return {kind, error}; }

}  // namespace

Status Daemon::status() {
    Status status;
    const auto active = guard_->active();
    status.version = version;
    status.mode = active->mode;
    status.hooks = hook_choice_name(guard_->probes().hooks());
    status.missing = missing_features();
    status.queue = config_.queue;
    status.queues = guard_->queues();
    status.queue_kind = guard_->table().queue_kind();
    status.loopback = config_.loopback;
    status.forward = config_.forward;
    status.pid = static_cast<std::uint32_t>(::getpid());
    const auto uptime = std::chrono::steady_clock::now() - started_;
    status.uptime_s =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(uptime).count());
    status.network_namespace = network_namespace();
    status.ruleset = {active->rules->size(), guard_->generation(), rules_loaded_at_,
                      reload_error_, store_.temporary().size(), TemporaryRules::most,
                      active->rules->defaults(), {}, 0};
    if (trial_) {
        status.ruleset.trial = trial_->candidate.folder;
        status.ruleset.trial_until = trial_->told.until.value_or(0);
    }
    status.packets = packet_counters(guard_->queue_counters(), guard_->decisions());
    if (auto counters = guard_->table().counters()) status.netfilter = *counters;
    status.tables_restored = tables_restored_;
    status.verdicts = verdict_status(guard_->verdicts());
    status.packet_sockets = packet_sockets_->status();
    const AuditCounters audit = audit_->counters();
    status.audit = {config_.database, audit.written, audit.lost, audit.pending, {}};
    if (const std::string trouble = audit_->trouble(); !trouble.empty()) status.audit.error = trouble;
    status.content =
        content_status(guard_->contents().counters(), guard_->parked(), guard_->parking_room());
    status.maps = map_status(config_.limits, config_.forward, guard_->map_failures());
    status.names = name_status();
    status.network = network_status(*active);
    status.network.readings = network_->readings();
    status.confinement = confinement_status();
    if (const auto& trouble = network_->trouble()) status.network.error = trouble->text();
    return status;
}

NameStatus Daemon::name_status() const {
    const Names& names = guard_->names();
    const NameTableCounters& table = names.table_counters();
    const NameCounters& counters = names.counters();
    const auto failures = guard_->map_failures();
    const auto refused = [&](NameRefusal reason) {
        return table.refused[static_cast<std::size_t>(reason)].load();
    };
    NameStatus status;
    status.enabled = config_.dns.enabled;
    for (const Address& resolver : guard_->name_sources().resolvers())
        status.resolvers.push_back(resolver.to_string());
    status.addresses = table.addresses;
    status.addresses_capacity = config_.limits.names;
    status.addresses_evicted = table.addresses_evicted;
    status.names_displaced = table.names_displaced;
    const auto hosts = names.hosts();
    status.hosts_file = hosts->names();
    status.hosts_file_skipped = hosts->skipped();
    status.queries = table.queries;
    status.queries_capacity = config_.limits.dns_queries;
    status.queries_evicted = table.queries_evicted;
    status.connections = counters.connections;
    status.connections_capacity = Names::connections;
    status.connections_evicted = counters.connections_evicted;
    status.flows = counters.flows;
    status.flows_capacity = config_.limits.names;
    status.flows_evicted = counters.flows_evicted;
    status.answers = table.answers;
    status.refused = {{"not-asked", refused(NameRefusal::not_asked)},
                      {"other-question", refused(NameRefusal::other_question)},
                      {"no-address", refused(NameRefusal::no_address)},
                      {"asked-elsewhere", failures[DW_FAIL_DNS_ELSEWHERE]},
                      {"other-resolver", failures[DW_FAIL_DNS_STRANGER]},
                      {"malformed", counters.malformed},
                      {"cut", counters.cut},
                      {"tcp-gap", counters.gaps}};
    status.ring_bytes = DW_DNS_RING_BYTES;
    status.ring_lost = failures[DW_FAIL_DNS_RING];
    status.ring_stalled = counters.stalled;
    return status;
}

std::vector<MissingFeature> Daemon::missing_features() const {
    std::vector<MissingFeature> missing = guard_->missing();
    std::ranges::move(packet_sockets_->missing(), std::back_inserter(missing));
    std::ranges::move(missing_confinement(), std::back_inserter(missing));
    return missing;
}

RuleExport Daemon::export_rules() {
    const auto active = guard_->active();
    RuleExport out;
    for (std::uint32_t i = 0; i < active->rules->size(); i++) out.origins.push_back(active->rules->place(i));
    out.text = doorward::export_rules(*active->rules, [&](std::uint32_t at) { return out.origins[at].text(); });
    return out;
}

RuleList Daemon::rules() {
    const auto active = guard_->active();
    RuleList list;
    list.defaults = active->rules->defaults();
    std::unordered_map<std::string_view, const Lifetime*> lifetimes;
    for (const auto& entry : store_.temporary().entries())
        lifetimes[entry.rule.name] = &entry.lifetime;
    for (std::uint32_t i = 0; i < active->rules->size(); i++) {
        const auto known = lifetimes.find(active->rules->name(i));
        list.rules.push_back({active->rules->rule(i), (*active->hits)[i].load(),
                              known == lifetimes.end() ? Lifetime{} : *known->second});
    }
    return list;
}

Controlling<void> Daemon::set_mode(Mode mode) {
    const auto active = guard_->active();
    if (active->mode == mode) return {};
    if (auto applied = put_in_force(active->rules, mode); !applied)
        return std::unexpected(failure(ControlFailure::Kind::failed, applied.error()));
    log_line(Severity::notice, fmt::format("{} mode", mode_name(mode)));
    return {};
}

Controlling<Explanation> Daemon::explain(const FlowQuestion& question) {
    return explain(*guard_->active()->rules, question);
}

Controlling<Explanation> Daemon::explain(const Ruleset& rules, const FlowQuestion& question) {
    const auto content = [this](const std::string& path, Facts wanted) {
        return guard_->contents().look(path, wanted, longest_look);
    };
    const auto active = guard_->active();
    const std::int64_t now = std::time(nullptr);
    const Surroundings around(now, minute_of_week(now), active->facts());
    const auto process_of = [this](std::uint32_t pid) {
        return running_process(pid, guard_->probes().processes_fd(), guard_->probes().programs_fd());
    };
    return explain_question(rules, question, system_environment(), around, content, process_of);
}

Controlling<std::vector<OpenFlow>> Daemon::flows() {
    auto tracked = guard_->tracked_flows();
    if (!tracked)
        return std::unexpected(failure(ControlFailure::Kind::failed, tracked.error()));
    return recent_.name(*tracked, guard_->marks().mask(), guard_->active()->accept_mark,
                        AuditLog::wall_clock_us(), [this](const Flow& flow) { return see(flow); });
}

// The rules are asked again only for flows of which no decision is remembered: the kernel decided them by
// itself, so that nothing counts but what is known here.
std::optional<RecentFlows::Seen> Daemon::see(const Flow& flow) {
    auto latest = guard_->flow_senders().of(flow);
    if (!latest) return std::nullopt;
    const auto active = guard_->active();
    const std::int64_t now = std::time(nullptr);
    Flow asked = flow;
    asked.process = latest->process.get();
    const Decision decision =
        active->rules->decide(asked, Surroundings(now, minute_of_week(now), active->facts()));
    RecentFlows::Seen seen{latest->process, AuditLog::wall_clock_us(), decision.action, {}};
    if (decision.rule != Decision::no_rule) seen.rule = active->rules->name(decision.rule);
    if (latest->since_ns != 0)
        seen.time_us -= static_cast<std::int64_t>((monotonic_ns() - latest->since_ns) / 1000);
    return seen;
}

Controlling<void> Daemon::cut_flow(const FlowEnds& ends) {
    const auto kept = [](const Error& error) {
        return std::unexpected(failure(ControlFailure::Kind::flow_kept, error));
    };
    if (!recent_.is_owner(ends, [this](const Flow& flow) { return see(flow); }))
        return kept({"it has ended, or is another program's by now", {}, {}});
    auto sockets = SockDiag::open();
    if (!sockets) return kept(sockets.error());
    if (auto closed = sockets->close_connected(flow_of(ends)); !closed) return kept(closed.error());
    log_line(Severity::notice,
             fmt::format("flow cut by command: {} {}:{} {} {}:{}, pid {}", protocol_name(ends.protocol),
                         ends.local.to_string(), ends.local_port,
                         ends.direction == Direction::in ? "from" : "to", ends.remote.to_string(),
                         ends.remote_port, ends.pid));
    return {};
}

}  // namespace doorward
