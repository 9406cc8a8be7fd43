// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/config.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fwd/config_section.hpp"
#include "fwd/marks.hpp"
#include "rules/address.hpp"
#include "rules/yaml_source.hpp"

namespace doorward {
namespace {

constexpr std::size_t max_config_bytes = 1 << 20;

constexpr std::array modes = {Mode::enforce, Mode::observe};
constexpr std::array hook_choices = {HookChoice::automatic, HookChoice::fentry, HookChoice::kprobe,
                                     HookChoice::cgroup};
constexpr std::array pass_policies = {PassPolicy::accept, PassPolicy::filter};
constexpr std::array packet_socket_policies = {
    PacketSocketPolicy::allow, PacketSocketPolicy::record, PacketSocketPolicy::refuse};
constexpr std::array denials = {DeniedAs::eperm, DeniedAs::eacces};
constexpr std::array actions = {Action::accept, Action::drop, Action::reject};

constexpr std::uint32_t max_days = 36500;
constexpr std::uint32_t max_megabytes = 1 << 20;
constexpr std::uint32_t max_set_aside = 1000;
constexpr std::uint32_t max_entries = 1 << 24;
constexpr std::uint32_t max_minimum_ttl = 3600;
constexpr std::uint32_t max_parked = 4096;
constexpr std::uint32_t max_wait_ms = 60'000;
constexpr std::uint32_t max_queue = 65535;
constexpr std::size_t max_path = 4095;
constexpr std::size_t max_socket_path = 107;  // sockaddr_un holds 108 bytes with the NUL

Result<void> check_path(std::string_view key, const std::string& path, std::size_t longest) {
    if (!path.starts_with('/'))
        return fail(fmt::format("{}: \"{}\" is not an absolute path", key, path),
                    "begin it with \"/\"");
    if (path.ends_with('/'))
        return fail(fmt::format("{}: \"{}\" ends in a slash", key, path), "remove the last \"/\"");
    if (path.size() > longest)
        return fail(fmt::format("{}: the path is {} bytes long", key, path.size()),
                    fmt::format("use at most {} bytes", longest));
    return {};
}

// What groupadd accepts, so that a slip of the pen does not turn into "no such group" later.
Result<void> check_group(std::string_view key, const std::string& group) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto other = [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    if (!group.empty() && group.size() <= 32 && letter(group[0]) &&
        std::ranges::all_of(group, [&](char c) { return letter(c) || other(c); }))
        return {};
    return fail(fmt::format("{}: \"{}\" is not the name of a group", key, group.substr(0, 40)),
                "use the name of a group of this host, such as doorward");
}

Result<void> check_mask(std::uint32_t mask) {
    if (Marks::valid(mask)) return {};
    return fail(fmt::format("mark_mask: {:#010x} is not one run of at least six bits", mask),
                "use bits side by side that nothing else on this host uses, such as 0x7f000000");
}

constexpr std::uint16_t queue_counts[] = {0, 1, 2, 4, 8};

std::string_view queue_count_name(std::uint16_t number) {
    constexpr std::string_view names[] = {"auto", "1", "2", "4", "8"};
    return names[std::ranges::find(queue_counts, number) - std::begin(queue_counts)];
}

constexpr Choices<std::uint16_t> queue_choices{queue_counts, queue_count_name};

Result<void> check_queues(std::uint32_t first, std::uint16_t number) {
    if (std::ranges::find(queue_counts, number) == std::end(queue_counts))
        return fail(fmt::format("queues: {} is no number of queues", number), "use " + queue_choices.names());
    if (first + number <= max_queue + 1) return {};
    return fail(fmt::format("queues: {} from {} on go beyond {}", number, first, max_queue),
                fmt::format("use a queue of at most {}", max_queue + 1 - number));
}

Result<void> check_number(std::string_view key, std::uint32_t number, std::uint32_t most) {
    if (number >= 1 && number <= most) return {};
    return fail(fmt::format("{}: {} is out of range", key, number),
                fmt::format("use a number from 1 to {}", most));
}

Result<void> read_defaults(const YamlValue& value, Defaults& defaults) {
    static constexpr std::array<std::string_view, 3> keys = {"out", "in", "forward"};
    const Choices<Action> choices{actions, action_name};
    return Section(value, keys, "defaults.")
        .choice("out", defaults.out, choices)
        .choice("in", defaults.in, choices)
        .choice("forward", defaults.forward, choices)
        .finish();
}

Result<void> read_groups(const YamlValue& value, Config& config) {
    static constexpr std::array<std::string_view, 2> keys = {"read", "change"};
    return Section(value, keys, "groups.")
        .text("read", config.read_group)
        .check("read", check_group("groups.read", config.read_group))
        .text("change", config.change_group)
        .check("change", check_group("groups.change", config.change_group))
        .finish();
}

Result<void> check_resolver(const std::string& text) {
    if (text.starts_with('/')) return check_path("dns.resolvers", text, max_path);
    if (const auto address = Address::parse(text); address && !address->is_unspecified()) return {};
    return fail(fmt::format("dns.resolvers: \"{}\" is neither an address nor a file",
                            text.substr(0, 40)),
                "use the address of a DNS server, or the whole path of a file like resolv.conf");
}

Result<void> check_resolvers(const std::vector<std::string>& resolvers) {
    for (const std::string& resolver : resolvers)
        if (auto sound = check_resolver(resolver); !sound) return sound;
    return {};
}

Result<void> read_dns(const YamlValue& value, DnsConfig& dns) {
    static constexpr std::array<std::string_view, 4> keys = {"enabled", "resolvers", "hosts_file",
                                                             "minimum_ttl"};
    return Section(value, keys, "dns.")
        .flag("enabled", dns.enabled)
        .texts("resolvers", dns.resolvers, check_resolver)
        .text("hosts_file", dns.hosts_file)
        .check("hosts_file", check_path("dns.hosts_file", dns.hosts_file, max_path))
        .number("minimum_ttl", dns.minimum_ttl, 1, max_minimum_ttl)
        .finish();
}

Result<void> read_retention(const YamlValue& value, Retention& retention) {
    static constexpr std::array<std::string_view, 3> keys = {"days", "megabytes", "set_aside"};
    return Section(value, keys, "retention.")
        .number("days", retention.days, 1, max_days)
        .number("megabytes", retention.megabytes, 1, max_megabytes)
        .number("set_aside", retention.set_aside, 1, max_set_aside)
        .finish();
}

Result<void> read_limits(const YamlValue& value, Limits& limits) {
    static constexpr std::array<std::string_view, 8> keys = {
        "bindings",      "processes", "listeners",   "queued_packets",
        "audit_records", "names",     "dns_queries", "verdicts"};
    return Section(value, keys, "limits.")
        .number("bindings", limits.bindings, 1, max_entries)
        .number("processes", limits.processes, 1, max_entries)
        .number("listeners", limits.listeners, 1, max_entries)
        .number("queued_packets", limits.queued_packets, 1, max_entries)
        .number("audit_records", limits.audit_records, 1, max_entries)
        .number("names", limits.names, 1, max_entries)
        .number("dns_queries", limits.dns_queries, 1, max_entries)
        .number("verdicts", limits.verdicts, 1, max_entries)
        .finish();
}

Result<void> read_digests(const YamlValue& value, DigestLimits& digests) {
    static constexpr std::array<std::string_view, 3> keys = {"files", "parked_packets", "wait_ms"};
    return Section(value, keys, "digests.")
        .number("files", digests.files, 1, max_entries)
        .number("parked_packets", digests.parked_packets, 1, max_parked)
        .number("wait_ms", digests.wait_ms, 1, max_wait_ms)
        .finish();
}

Result<void> read_config(const YamlValue& top, Config& config) {
    static constexpr std::array<std::string_view, 20> keys = {
        "mode",      "defaults",  "loopback", "forward",        "packet_sockets", "hooks",  "queue",
        "mark_mask", "rules_dir", "database", "control_socket", "groups",         "retention",
        "limits",    "digests",   "dns",      "verdict_cache",  "denied_as",      "queues",
        "busy_wait"};
    return Section(top, keys)
        .choice("mode", config.mode, {modes, mode_name})
        .take("defaults", [&](const YamlValue& v) { return read_defaults(v, config.defaults); })
        .choice("loopback", config.loopback, {pass_policies, pass_policy_name})
        .choice("forward", config.forward, {pass_policies, pass_policy_name})
        .choice("packet_sockets", config.packet_sockets,
                {packet_socket_policies, packet_socket_policy_name})
        .choice("hooks", config.hooks, {hook_choices, hook_choice_name})
        .number("queue", config.queue, 0, max_queue)
        .choice("queues", config.queues, queue_choices)
        .check("queues", check_queues(config.queue, config.queues))
        .number("mark_mask", config.mark_mask, 0, 0xffffffff)
        .check("mark_mask", check_mask(config.mark_mask))
        .text("rules_dir", config.rules_dir)
        .check("rules_dir", check_path("rules_dir", config.rules_dir, max_path))
        .text("database", config.database)
        .check("database", check_path("database", config.database, max_path))
        .text("control_socket", config.control_socket)
        .check("control_socket", check_path("control_socket", config.control_socket, max_socket_path))
        .take("groups", [&](const YamlValue& v) { return read_groups(v, config); })
        .take("dns", [&](const YamlValue& v) { return read_dns(v, config.dns); })
        .take("retention", [&](const YamlValue& v) { return read_retention(v, config.retention); })
        .take("limits", [&](const YamlValue& v) { return read_limits(v, config.limits); })
        .take("digests", [&](const YamlValue& v) { return read_digests(v, config.digests); })
        .flag("verdict_cache", config.verdict_cache)
        .choice("denied_as", config.denied_as, {denials, denied_as_name})
        .flag("busy_wait", config.busy_wait)
        .finish();
}

}  // namespace

std::string_view mode_name(Mode mode) {
    switch (mode) {
        case Mode::enforce: return "enforce";
        case Mode::observe: return "observe";
    }
    return "?";
}

std::optional<Mode> parse_mode(std::string_view text) {
    return Choices<Mode>{modes, mode_name}.parse(text);
}

std::string_view hook_choice_name(HookChoice choice) {
    switch (choice) {
        case HookChoice::automatic: return "auto";
        case HookChoice::fentry: return "fentry";
        case HookChoice::kprobe: return "kprobe";
        case HookChoice::cgroup: return "cgroup";
    }
    return "?";
}

std::string_view pass_policy_name(PassPolicy policy) {
    switch (policy) {
        case PassPolicy::accept: return "accept";
        case PassPolicy::filter: return "filter";
    }
    return "?";
}

std::optional<PassPolicy> parse_pass_policy(std::string_view text) {
    return Choices<PassPolicy>{pass_policies, pass_policy_name}.parse(text);
}

std::string_view packet_socket_policy_name(PacketSocketPolicy policy) {
    switch (policy) {
        case PacketSocketPolicy::allow: return "allow";
        case PacketSocketPolicy::record: return "record";
        case PacketSocketPolicy::refuse: return "refuse";
    }
    return "?";
}

std::optional<PacketSocketPolicy> parse_packet_socket_policy(std::string_view text) {
    return Choices<PacketSocketPolicy>{packet_socket_policies, packet_socket_policy_name}.parse(text);
}

std::string_view denied_as_name(DeniedAs denied) {
    switch (denied) {
        case DeniedAs::eperm: return "EPERM";
        case DeniedAs::eacces: return "EACCES";
    }
    return "?";
}

std::string queue_numbers(std::uint16_t first, std::uint16_t number) {
    return number > 1 ? fmt::format("{} to {}", first, first + number - 1) : std::to_string(first);
}

Result<Config> parse_config(std::string_view text, const std::string& file_name) {
    const auto node = load_yaml(text, file_name, max_config_bytes);
    if (!node) return std::unexpected(node.error());
    Config config;
    if (node->is_null()) return config;  // nothing but comments: all defaults
    const YamlValue top = yaml_top(*node, "the configuration", file_name);
    if (const auto read = read_config(top, config); !read) return std::unexpected(read.error());
    return config;
}

Result<void> validate(const Config& config) {
    const auto& [bindings, processes, listeners, queued_packets, audit_records, names,
                 dns_queries, verdicts] = config.limits;
    const auto& [files, parked_packets, wait_ms] = config.digests;
    for (const Result<void>& verdict : {
             check_mask(config.mark_mask),
             check_queues(config.queue, config.queues),
             check_path("rules_dir", config.rules_dir, max_path),
             check_path("database", config.database, max_path),
             check_path("control_socket", config.control_socket, max_socket_path),
             check_group("groups.read", config.read_group),
             check_group("groups.change", config.change_group),
             check_number("retention.days", config.retention.days, max_days),
             check_number("retention.megabytes", config.retention.megabytes, max_megabytes),
             check_number("retention.set_aside", config.retention.set_aside, max_set_aside),
             check_number("limits.bindings", bindings, max_entries),
             check_number("limits.processes", processes, max_entries),
             check_number("limits.listeners", listeners, max_entries),
             check_number("limits.queued_packets", queued_packets, max_entries),
             check_number("limits.audit_records", audit_records, max_entries),
             check_number("limits.names", names, max_entries),
             check_number("limits.dns_queries", dns_queries, max_entries),
             check_number("limits.verdicts", verdicts, max_entries),
             check_resolvers(config.dns.resolvers),
             check_path("dns.hosts_file", config.dns.hosts_file, max_path),
             check_number("dns.minimum_ttl", config.dns.minimum_ttl, max_minimum_ttl),
             check_number("digests.files", files, max_entries),
             check_number("digests.parked_packets", parked_packets, max_parked),
             check_number("digests.wait_ms", wait_ms, max_wait_ms),
         })
        if (!verdict) return verdict;
    return {};
}

}  // namespace doorward
