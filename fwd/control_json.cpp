// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_json.hpp"

#include "fwd/rule_json.hpp"

// No value is null on the wire.
template <class T>
struct nlohmann::adl_serializer<std::optional<T>> {
    static void to_json(json& j, const std::optional<T>& value) {
        if (value) j = *value;
        else j = nullptr;
    }
    static void from_json(const json& j, std::optional<T>& value) {
        value = j.is_null() ? std::nullopt : std::optional(j.get<T>());
    }
};

namespace doorward {
namespace {

using nlohmann::json;

template <class T>
T known(const std::optional<T>& value, const json& j) {
    if (!value) throw std::invalid_argument(j.dump() + " is unknown here");
    return *value;
}

}  // namespace

// In the namespace of the types, where the JSON library looks for them.
static void to_json(json& j, Mode mode) { j = mode_name(mode); }
static void from_json(const json& j, Mode& mode) {
    mode = known(parse_mode(j.get<std::string>()), j);
}
static void to_json(json& j, Action action) { j = action_name(action); }
static void from_json(const json& j, Action& action) {
    action = known(parse_action(j.get<std::string>()), j);
}
static void to_json(json& j, Direction direction) { j = direction_name(direction); }
static void from_json(const json& j, Direction& direction) {
    const auto name = j.get<std::string>();
    const auto known = parse_direction(name);
    if (!known) throw std::invalid_argument(name + " is unknown here");
    direction = *known;
}
static void to_json(json& j, QueueKind kind) { j = queue_kind_name(kind); }
static void from_json(const json& j, QueueKind& kind) {
    const auto name = j.get<std::string>();
    for (const QueueKind known : {QueueKind::nft, QueueKind::xtables})
        if (name == queue_kind_name(known)) return void(kind = known);
    throw std::invalid_argument(name + " is unknown here");
}
static void to_json(json& j, PassPolicy policy) { j = pass_policy_name(policy); }
static void from_json(const json& j, PassPolicy& policy) {
    policy = known(parse_pass_policy(j.get<std::string>()), j);
}
static void to_json(json& j, PacketSocketPolicy policy) { j = packet_socket_policy_name(policy); }
static void from_json(const json& j, PacketSocketPolicy& policy) {
    policy = known(parse_packet_socket_policy(j.get<std::string>()), j);
}
static void to_json(json& j, Protocol number) { j = protocol_name(number); }
static void from_json(const json& j, Protocol& number) {
    number = known(parse_protocol(j.get<std::string>()), j);
}
static void to_json(json& j, const Address& address) { j = address.to_string(); }
static void from_json(const json& j, Address& address) {
    address = known(Address::parse(j.get<std::string>()), j);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Place, file, line, column)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MissingFeature, name, consequence)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NamedCount, name, count)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PacketCounters, received, accepted, dropped, rejected,
                                   queue_dropped, malformed, unknown)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NftCounters, decided, known, loopback, neighbour, answers, queued,
                                   rejected)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VerdictStatus, enabled, entries, capacity, given, displaced, no_room)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ConfinementStatus, capabilities, bounding, no_new_privileges,
                                   calls_filtered, refused_calls)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PacketSocketStatus, policy, devices, passed, refused, unrecorded)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MapStatus, name, capacity, failed_updates)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TableStatus, name, capacity, entries, evicted)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContentStatus, hashed, hits, failures, parked, parked_total,
                                   overdue, tables)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(AuditStatus, database, written, lost, pending, error)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NameStatus, enabled, resolvers, addresses, addresses_capacity,
                                   addresses_evicted, names_displaced, hosts_file,
                                   hosts_file_skipped, queries, queries_capacity, queries_evicted,
                                   connections, connections_capacity, connections_evicted, flows,
                                   flows_capacity, flows_evicted, answers,
                                   refused, ring_bytes, ring_lost, ring_stalled)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Defaults, out, in, forward)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RulesetStatus, rules, generation, loaded_at, last_error,
                                   temporary, temporary_capacity, defaults, trial, trial_until)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ExplainedTrial, rule, place, failed, held)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GatewayStatus, address, mac, interface)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NetworkStatus, known, interfaces, lan, self, dns, domains, gateways,
                                   profiles, asked, readings, left_out, error)

#define DOORWARD_JSON(Type, ...)                                                         \
    void to_json(json& nlohmann_json_j, const Type& nlohmann_json_t) {                    \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))          \
    }                                                                                    \
    void from_json(const json& nlohmann_json_j, Type& nlohmann_json_t) {                  \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM, __VA_ARGS__))        \
    }

DOORWARD_JSON(Status, version, mode, hooks, missing, queue, queues, queue_kind, loopback, forward, pid, uptime_s,
              network_namespace, ruleset, packets, netfilter, tables_restored,
              packet_sockets, audit, maps, names, content, network, verdicts, confinement)
DOORWARD_JSON(RuleExport, text, origins)
DOORWARD_JSON(RuleChange, name, file, position, rules)
DOORWARD_JSON(Undone, what, again, rules)
DOORWARD_JSON(Applied, rules, files, until, cuts_session, kept)
DOORWARD_JSON(Reloaded, rules, generation)
DOORWARD_JSON(Explanation, action, rule, place, trials)
DOORWARD_JSON(OpenFlow, direction, protocol, local, remote, local_port, remote_port, exe, pid, uid,
              user, unit, container, appimage, script, injected, host, unknown, verdict, decision, rule, time_us,
              age_s, sent, received)

#undef DOORWARD_JSON

void to_json(json& j, const FlowQuestion& question) {
    j = json{{"direction", question.direction}, {"app", question.app},
             {"unknown", question.unknown},     {"pid", question.pid},
             {"user", question.user},
             {"group", question.group},         {"unit", question.unit},
             {"slice", question.slice},         {"container", question.container},
             {"parent", question.parent},       {"script", question.script},
             {"injected", question.injected},
             {"protocol", question.protocol},   {"to", question.to},
             {"from", question.from},           {"port", question.port},
             {"domain", question.domain},       {"interface", question.interface}};
}

static void to_json(json& j, const RuleEntry& entry) {
    const bool with_process = entry.lifetime.until == Lifetime::Until::exit;
    j = json{{"rule", rule_to_json(entry.rule)}, {"place", entry.rule.place}, {"hits", entry.hits},
             {"until", nullptr}, {"pid", nullptr}};
    if (entry.lifetime.temporary()) j["until"] = with_process ? "exit" : "restart";
    if (with_process) j["pid"] = entry.lifetime.pid;
}

static Lifetime lifetime_of(const json& j) {
    Lifetime lifetime;
    const auto until = j.at("until").get<std::optional<std::string>>();
    if (!until) return lifetime;
    lifetime.until = *until == "exit" ? Lifetime::Until::exit : Lifetime::Until::restart;
    if (lifetime.until == Lifetime::Until::exit) lifetime.pid = j.at("pid").get<std::uint32_t>();
    return lifetime;
}

static void from_json(const json& j, RuleEntry& entry) {
    auto rule = rule_from_json(j.at("rule"));
    if (!rule) throw std::invalid_argument(rule.error().text());
    entry.rule = std::move(*rule);
    entry.rule.place = j.at("place").get<Place>();
    entry.hits = j.at("hits").get<std::optional<std::uint64_t>>();
    entry.lifetime = lifetime_of(j);
}

void to_json(json& j, const RuleList& list) {
    j = json{{"rules", list.rules}, {"defaults", list.defaults}};
}

void from_json(const json& j, RuleList& list) {
    list.rules = j.at("rules").get<std::vector<RuleEntry>>();
    list.defaults = j.at("defaults").get<Defaults>();
}

}  // namespace doorward
