// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward status` and `doorward mode`.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/client.hpp"
#include "cli/commands.hpp"

namespace doorward {
namespace {

// Lines of "Label  value", aligned.
class Report {
public:
    explicit Report(const TableStyle& style)
        : table_({{.title = ""}, {.title = ""}},
                 {.width = 0, .colour = style.colour, .header = false}) {}

    void line(const std::string& label, std::string value, Colour colour = Colour::none) {
        table_.add({{label, Colour::bold}, {std::move(value), colour}});
    }
    void print() { fmt::print("{}", table_.take()); }

private:
    Table table_;
};

// "a, b"
std::string joined(const std::vector<std::string>& texts) { return fmt::format("{}", fmt::join(texts, ", ")); }

std::string local_time(std::int64_t seconds) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(seconds)));
}

void report_daemon(Report& report, const Status& status) {
    report.line("doorwardd", fmt::format("{}, pid {}, up {}", status.version, status.pid,
                                         duration_text(status.uptime_s)));
    const bool enforce = status.mode == Mode::enforce;
    report.line("Mode", enforce ? "enforce" : "observe: everything passes, nothing is blocked",
                enforce ? Colour::green : Colour::yellow);
    report.line("Hooks", status.hooks);
    report.line(status.queues > 1 ? "Queues" : "Queue",
                fmt::format("{} ({})", queue_numbers(status.queue, status.queues),
                            queue_kind_name(status.queue_kind)));
    report.line("Loopback",
                status.loopback == PassPolicy::accept ? "passes undecided" : "is filtered");
    report.line("Network", fmt::format("namespace {}", status.network_namespace));
    for (const MissingFeature& feature : status.missing)
        report.line("Missing", feature.name + ": " + feature.consequence, Colour::yellow);
}

void report_rules(Report& report, const RulesetStatus& rules) {
    report.line("Rules", fmt::format("{}, generation {}, loaded {}", rules.rules, rules.generation,
                                     local_time(rules.loaded_at)));
    if (rules.temporary > 0)
        report.line("", fmt::format("{} of them temporary, of at most {}", rules.temporary,
                                    rules.temporary_capacity));
    report.line("", fmt::format("of what none matches: {} outbound, {} inbound, {} forwarded",
                                action_name(rules.defaults.out), action_name(rules.defaults.in),
                                action_name(rules.defaults.forward)));
    if (rules.trial)
        report.line("", fmt::format("on trial until {}: the rules of {}",
                                    local_time(rules.trial_until), *rules.trial),
                    Colour::yellow);
    if (rules.last_error)
        report.line("", "the last reload failed, these rules are older: " + *rules.last_error,
                    Colour::red);
}

// "3 gone, 1 changed"; "0" if nothing was counted.
std::string counts_text(const std::vector<NamedCount>& counts) {
    std::string text;
    for (const NamedCount& each : counts)
        if (each.count > 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", each.count, each.name);
    return text.empty() ? "0" : text;
}

void report_packets(Report& report, const PacketCounters& packets, const NftCounters& netfilter) {
    report.line("Decisions", fmt::format("{} packets: {} accepted, {} dropped, {} rejected",
                                         packets.received, packets.accepted, packets.dropped,
                                         packets.rejected));
    report.line("No process", counts_text(packets.unknown));
    report.line("Queue losses", fmt::format("{} dropped by the kernel, {} malformed",
                                            packets.queue_dropped, packets.malformed),
                packets.queue_dropped + packets.malformed > 0 ? Colour::red : Colour::none);
    report.line("Netfilter",
                fmt::format("{} of decided flows, {} of known verdict, {} loopback, "
                            "{} neighbour discovery, {} answers, {} queued, {} rejected",
                            netfilter.decided, netfilter.known, netfilter.loopback, netfilter.neighbour, netfilter.answers,
                            netfilter.queued, netfilter.rejected));
}

void report_verdicts(Report& report, const VerdictStatus& verdicts) {
    if (!verdicts.enabled) return report.line("Kernel", "gives no verdicts by itself");
    report.line("Kernel", fmt::format("gave {} verdicts again by itself; {} of {} entries, {} displaced, "
                                      "{} without room",
                                      verdicts.given, verdicts.entries, verdicts.capacity,
                                      verdicts.displaced, verdicts.no_room),
                verdicts.no_room > 0 ? Colour::yellow : Colour::none);
}

void report_packet_sockets(Report& report, const PacketSocketStatus& sockets) {
    if (sockets.policy == PacketSocketPolicy::allow)
        return report.line("Packet sockets", "are let be");
    report.line("Packet sockets",
                fmt::format("{} on {} devices: {} frames passed, {} refused, {} not in the log",
                            packet_socket_policy_name(sockets.policy), sockets.devices,
                            sockets.passed, sockets.refused, sockets.unrecorded));
}

void report_stores(Report& report, const Status& status) {
    const AuditStatus& audit = status.audit;
    report.line("Audit log", fmt::format("{} written, {} lost, {} waiting: {}", audit.written,
                                         audit.lost, audit.pending, audit.database),
                audit.lost > 0 ? Colour::red : Colour::none);
    if (audit.error) report.line("", *audit.error, Colour::red);
    for (const MapStatus& map : status.maps)
        report.line("Map", fmt::format("{}: {} entries, {} failed updates", map.name, map.capacity,
                                       map.failed_updates),
                    map.failed_updates > 0 ? Colour::red : Colour::none);
}

void report_names(Report& report, const NameStatus& names) {
    if (!names.enabled) return report.line("Host names", "off (dns: enabled: false)");
    std::string resolvers;
    for (const std::string& resolver : names.resolvers)
        resolvers += (resolvers.empty() ? "" : ", ") + resolver;
    report.line("Resolvers", resolvers.empty() ? "none is known: no name from DNS is believed"
                                               : resolvers,
                resolvers.empty() ? Colour::yellow : Colour::none);
    report.line("Host names", fmt::format("{} of {} addresses, {} evicted; {} answers; hosts file: "
                                          "{} names, {} skipped",
                                          names.addresses, names.addresses_capacity,
                                          names.addresses_evicted, names.answers, names.hosts_file,
                                          names.hosts_file_skipped));
    report.line("No name from", counts_text(names.refused));
    if (names.names_displaced > 0)
        report.line("", fmt::format("{} names displaced: an address had too many", names.names_displaced));
    report.line("DNS waiting", fmt::format("{} of {} queries, {} evicted; {} of {} connections, {} "
                                           "evicted",
                                           names.queries, names.queries_capacity,
                                           names.queries_evicted, names.connections,
                                           names.connections_capacity, names.connections_evicted));
    report.line("Named flows", fmt::format("{} of {}, {} evicted", names.flows, names.flows_capacity,
                                           names.flows_evicted));
    report.line("DNS ring", fmt::format("{} bytes, {} packets lost, {} waits", names.ring_bytes,
                                        names.ring_lost, names.ring_stalled),
                names.ring_lost > 0 ? Colour::red : Colour::none);
}

void report_content(Report& report, const ContentStatus& content) {
    report.line("Digests", fmt::format("{} files hashed, {} decisions from the cache; {} packets "
                                       "wait, {} did, {} of them in vain",
                                       content.hashed, content.hits, content.parked,
                                       content.parked_total, content.overdue),
                content.overdue > 0 ? Colour::yellow : Colour::none);
    const std::string failures = counts_text(content.failures);
    if (failures != "0") report.line("", "not hashed: " + failures, Colour::yellow);
    for (const TableStatus& table : content.tables)
        report.line("Table", fmt::format("{}: {} of {} entries, {} displaced", table.name,
                                         table.entries, table.capacity, table.evicted));
}

void report_confinement(Report& report, const ConfinementStatus& confinement) {
    report.line("Keeps", fmt::format("{}{}", confinement.capabilities.empty() ? "no capability"
                                                                              : joined(confinement.capabilities),
                                     confinement.calls_filtered ? "; system calls are filtered" : ""));
    if (!confinement.refused_calls.empty())
        report.line("", "system calls refused: " + counts_text(confinement.refused_calls), Colour::red);
}

// At most so many; the JSON has them all.
std::string some(const std::vector<std::string>& items) {
    constexpr std::size_t most = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(items.size(), most); ++i) text += (i ? " " : "") + items[i];
    if (items.size() > most) text += fmt::format(" and {} more", items.size() - most);
    return text.empty() ? "none" : text;
}

void report_network(Report& report, const NetworkStatus& network) {
    if (!network.known)
        return report.line("Network", "not known: " + network.error.value_or(""),
                           network.asked ? Colour::red : Colour::yellow);
    report.line("Interfaces", some(network.interfaces) + " are up");
    report.line("Own addresses", some(network.self));
    report.line("LAN", some(network.lan));
    std::vector<std::string> gateways;
    for (const GatewayStatus& gateway : network.gateways)
        gateways.push_back(fmt::format("{} ({}, {})", gateway.address, gateway.interface,
                                       gateway.mac.empty() ? "hardware address not known" : gateway.mac));
    report.line("Gateways", some(gateways));
    report.line("Asks for names", some(network.dns));
    if (!network.domains.empty()) report.line("Domains", some(network.domains));
    report.line("Profiles", network.profiles.empty() ? "none holds" : some(network.profiles) + " hold");
    if (network.left_out > 0)
        report.line("", fmt::format("{} links, addresses or gateways left out: there are too many",
                                    network.left_out), Colour::red);
}

int show_status(const Session& session, bool json) {
    const auto answer = ask(session.socket, "GetStatus", "status");
    if (!answer) return report(answer.error());
    if (json) return print_json(*answer), exit_ok;
    const auto status = as<Status>(*answer);
    if (!status) return report(status.error());
    Report lines(session.style());
    report_daemon(lines, *status);
    report_rules(lines, status->ruleset);
    report_packets(lines, status->packets, status->netfilter);
    if (status->tables_restored > 0)
        lines.line("", fmt::format("the table was put back {} times after another program had removed or changed it",
                                   status->tables_restored), Colour::red);
    report_network(lines, status->network);
    report_names(lines, status->names);
    report_verdicts(lines, status->verdicts);
    report_packet_sockets(lines, status->packet_sockets);
    report_stores(lines, *status);
    report_content(lines, status->content);
    report_confinement(lines, status->confinement);
    lines.print();
    return exit_ok;
}

int show_mode(const Session& session) {
    const auto answer = ask(session.socket, "GetStatus", "status");
    if (!answer) return report(answer.error());
    const auto status = as<Status>(*answer);
    if (!status) return report(status.error());
    fmt::print("{}\n", mode_name(status->mode));
    return exit_ok;
}

int set_mode(const Session& session, const std::string& mode) {
    auto client = Client::connect(session.socket);
    if (!client) return report(client.error());
    const auto done = client->call("SetMode", {{"mode", mode}});
    if (!done) return report(done.error());
    fmt::print("{}\n", mode == "enforce" ? "mode is enforce: what no rule accepts is blocked"
                                         : "mode is observe: everything passes, and is recorded");
    return exit_ok;
}

}  // namespace

void add_status_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("status", "show how the daemon is doing");
    auto* json = add_switch(*command, "--json", "print JSON");
    command->callback(
        [&session, json] { session.status = show_status(session, json->count() > 0); });
}

void add_mode_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("mode", "show the mode, or change it until the next start");
    auto* mode =
        command->add_option("MODE", "enforce, or observe: block nothing, record everything")
            ->check(CLI::IsMember({"observe", "enforce"}));
    command->callback([&session, mode] {
        session.status = mode->count() > 0 ? set_mode(session, mode->as<std::string>())
                                           : show_mode(session);
    });
}

}  // namespace doorward
