// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's configuration: /etc/doorward/doorward.yaml, then options of the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

enum class Mode : std::uint8_t {
    enforce,  // verdicts are carried out; nothing passes undecided
    observe,  // everything passes; what the rules would have said is recorded
};

std::string_view mode_name(Mode mode);
std::optional<Mode> parse_mode(std::string_view text);

enum class HookChoice : std::uint8_t { automatic, fentry, kprobe, cgroup };

std::string_view hook_choice_name(HookChoice choice);

enum class PassPolicy : std::uint8_t {
    accept,  // passes without a decision, counted
    filter,  // decided like all other traffic
};

std::string_view pass_policy_name(PassPolicy policy);
std::optional<PassPolicy> parse_pass_policy(std::string_view text);

// Frames that programs send on packet sockets (AF_PACKET), which netfilter never sees.
enum class PacketSocketPolicy : std::uint8_t {
    allow,   // nothing is attached
    record,  // they pass; who sends is written to the audit log
    refuse,  // they are dropped in enforce mode, and recorded
};

std::string_view packet_socket_policy_name(PacketSocketPolicy policy);
std::optional<PacketSocketPolicy> parse_packet_socket_policy(std::string_view text);

// What connect() and sendmsg() end with where the kernel gives a denial again by itself.
enum class DeniedAs : std::uint8_t { eperm, eacces };

std::string_view denied_as_name(DeniedAs denied);  // "EPERM", "EACCES"

// As they are told: "4870", or "4870 to 4873".
std::string queue_numbers(std::uint16_t first, std::uint16_t number);

struct Limits {
    std::uint32_t bindings = 65536;      // entries of the flow → process table, the oldest of eight goes first
    std::uint32_t processes = 8192;      // entries of the process map (LRU) and the daemon's cache
    std::uint32_t listeners = 16384;     // sockets that may receive, of which it is known who does
    std::uint32_t queued_packets = 4096; // undecided packets held by the kernel
    std::uint32_t audit_records = 65536; // decisions waiting to be written
    std::uint32_t names = 16384;         // addresses whose names are known from DNS (LRU)
    std::uint32_t dns_queries = 4096;    // DNS queries waiting for their answer (the oldest go first)
    std::uint32_t verdicts = 16384;      // that the kernel may give again (the longest unused go first)

    bool operator==(const Limits&) const = default;
};

struct Retention {
    std::uint32_t days = 30;
    std::uint32_t megabytes = 512;
    std::uint32_t set_aside = 3;  // databases kept of each kind that could not be continued

    bool operator==(const Retention&) const = default;
};

// Where host names come from.
struct DnsConfig {
    bool enabled = true;   // false: no flow has a name
    // Only their answers are believed: addresses, or files in the form of resolv.conf(5).
    std::vector<std::string> resolvers = {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"};
    std::string hosts_file = "/etc/hosts";
    std::uint32_t minimum_ttl = 60;  // seconds that a name holds at least; at most a day

    bool operator==(const DnsConfig&) const = default;
};

// For rules that ask for more of an executable than its path.
struct DigestLimits {
    std::uint32_t files = 4096;          // versions of executables whose digests are remembered
    std::uint32_t parked_packets = 256;  // packets that may wait for one
    std::uint32_t wait_ms = 5000;        // how long each of them may

    bool operator==(const DigestLimits&) const = default;
};

struct Config {
    Mode mode = Mode::observe;
    Defaults defaults;
    PassPolicy loopback = PassPolicy::accept;
    PassPolicy forward = PassPolicy::accept;  // packets that pass through this host
    PacketSocketPolicy packet_sockets = PacketSocketPolicy::allow;
    HookChoice hooks = HookChoice::automatic;
    std::uint16_t queue = 4870;  // the first
    std::uint16_t queues = 0;    // of consecutive numbers: 1, 2, 4 or 8; 0: by the number of processors
    std::uint32_t mark_mask = 0x7f000000;
    std::string rules_dir = "/etc/doorward/rules.d";
    std::string database = "/var/lib/doorward/audit.db";
    std::string control_socket = "/run/doorward/control.sock";
    std::string read_group = "doorward";          // may ask; root always may
    std::string change_group = "doorward-admin";  // may change; root always may
    DnsConfig dns;
    bool verdict_cache = true;  // false: each new flow is decided by the daemon
    DeniedAs denied_as = DeniedAs::eperm;
    bool busy_wait = true;  // false: a packet thread sleeps until the next packet, whenever there is none
    Retention retention;
    Limits limits;
    DigestLimits digests;
};

// Same strictness as for rules: unknown keys are errors, places are exact. Pure. Keys that are not
// there keep their defaults; a file of comments alone is all defaults. examples/doorward.yaml has
// every key.
Result<Config> parse_config(std::string_view text, const std::string& file_name);

// What options may break that come after the file: a mark mask that is no run of bits, limits of
// zero, relative paths. parse_config() makes the same checks, with places.
Result<void> validate(const Config& config);

}  // namespace doorward
