// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "fwd/config.hpp"

using namespace doorward;

namespace {

Config config(std::string_view text) {
    const auto parsed = parse_config(text, "f");
    INFO(text);
    INFO((parsed ? "" : parsed.error().text()));
    REQUIRE(parsed);
    return *parsed;
}

std::string refusal(std::string_view text) {
    const auto parsed = parse_config(text, "f");
    return parsed ? "accepted" : parsed.error().text();
}

std::string invalid(const Config& changed) {
    const auto verdict = validate(changed);
    return verdict ? "valid" : verdict.error().text();
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void check_equal(const Config& a, const Config& b) {
    CHECK(a.mode == b.mode);
    CHECK(a.defaults.out == b.defaults.out);
    CHECK(a.defaults.in == b.defaults.in);
    CHECK(a.loopback == b.loopback);
    CHECK(a.forward == b.forward);
    CHECK(a.defaults.forward == b.defaults.forward);
    CHECK(a.packet_sockets == b.packet_sockets);
    CHECK(a.hooks == b.hooks);
    CHECK(a.queue == b.queue);
    CHECK(a.queues == b.queues);
    CHECK(a.mark_mask == b.mark_mask);
    CHECK(a.rules_dir == b.rules_dir);
    CHECK(a.database == b.database);
    CHECK(a.control_socket == b.control_socket);
    CHECK(a.read_group == b.read_group);
    CHECK(a.change_group == b.change_group);
    CHECK(a.retention == b.retention);
    CHECK(a.limits == b.limits);
    CHECK(a.dns == b.dns);
    CHECK(a.digests == b.digests);
    CHECK(a.verdict_cache == b.verdict_cache);
    CHECK(a.denied_as == b.denied_as);
    CHECK(a.busy_wait == b.busy_wait);
}

constexpr const char* everything_else =
    "mode: enforce\n"
    "defaults: {out: accept, in: reject, forward: drop}\n"
    "loopback: filter\n"
    "forward: filter\n"
    "packet_sockets: refuse\n"
    "hooks: cgroup\n"
    "queue: 7\n"
    "queues: 4\n"
    "mark_mask: 0x00003f00\n"
    "rules_dir: /tmp/rules\n"
    "database: /tmp/audit.db\n"
    "control_socket: /tmp/control.sock\n"
    "groups: {read: readers, change: _changers-1}\n"
    "retention: {days: 1, megabytes: 2, set_aside: 4}\n"
    "limits: {bindings: 3, processes: 4, listeners: 5, queued_packets: 6, audit_records: 8,\n"
    "  names: 9, dns_queries: 10, verdicts: 11}\n"
    "dns: {enabled: false, resolvers: [192.0.2.53, /tmp/resolv.conf], hosts_file: /tmp/hosts,\n"
    "  minimum_ttl: 5}\n"
    "digests: {files: 9, parked_packets: 10, wait_ms: 11}\n"
    "verdict_cache: false\n"
    "denied_as: EACCES\n"
    "busy_wait: false\n";

}  // namespace

TEST_CASE("modes, hook choices and loopback policies have names") {
    for (const Mode mode : {Mode::enforce, Mode::observe})
        CHECK(parse_mode(mode_name(mode)) == mode);
    for (const char* text : {"", "Enforce", "enforce ", "off"}) CHECK_FALSE(parse_mode(text));
    CHECK(mode_name(Mode::enforce) == "enforce");
    CHECK(hook_choice_name(HookChoice::automatic) == "auto");
    CHECK(hook_choice_name(HookChoice::fentry) == "fentry");
    CHECK(hook_choice_name(HookChoice::kprobe) == "kprobe");
    CHECK(hook_choice_name(HookChoice::cgroup) == "cgroup");
    CHECK(pass_policy_name(PassPolicy::accept) == "accept");
    CHECK(pass_policy_name(PassPolicy::filter) == "filter");
    for (const auto policy :
         {PacketSocketPolicy::allow, PacketSocketPolicy::record, PacketSocketPolicy::refuse})
        CHECK(parse_packet_socket_policy(packet_socket_policy_name(policy)) == policy);
    for (const char* text : {"", "Allow", "refuse ", "drop"})
        CHECK_FALSE(parse_packet_socket_policy(text));
}

TEST_CASE("an empty configuration is all defaults, and they are valid") {
    for (const char* text : {"", "# only a comment\n", "---\n", "{}\n"})
        check_equal(config(text), Config{});
    CHECK(invalid(Config{}) == "valid");
}

TEST_CASE("the example has every key, each with its default") {
    const std::string text = read_file(DOORWARD_SOURCE_DIR "/examples/doorward.yaml");
    check_equal(config(text), Config{});
    // Every key is there and read: misspelt, each is refused.
    for (const char* key :
         {"mode", "defaults", "out", "in", "loopback", "forward", "packet_sockets",
          "hooks", "queue", "queues", "mark_mask", "rules_dir",
          "database", "control_socket", "groups", "read", "change", "retention", "days",
          "megabytes", "set_aside", "limits", "bindings", "processes", "listeners", "queued_packets",
          "audit_records", "names", "dns_queries", "dns", "enabled", "resolvers", "hosts_file",
          "minimum_ttl", "digests", "files", "parked_packets", "wait_ms", "verdicts",
          "verdict_cache", "denied_as", "busy_wait"}) {
        INFO(key);
        std::size_t at = text.find(std::string("\n") + key + ":");
        if (at == std::string::npos) at = text.find(std::string("\n  ") + key + ":");
        REQUIRE(at != std::string::npos);
        std::string changed = text;
        changed.insert(changed.find(key, at), "x");
        CHECK(refusal(changed).find(std::string("unknown key \"x") + key) != std::string::npos);
    }
}

TEST_CASE("every key is read") {
    const Config read = config(everything_else);
    CHECK(read.mode == Mode::enforce);
    CHECK(read.defaults.out == Action::accept);
    CHECK(read.defaults.in == Action::reject);
    CHECK(read.loopback == PassPolicy::filter);
    CHECK(read.forward == PassPolicy::filter);
    CHECK(read.packet_sockets == PacketSocketPolicy::refuse);
    CHECK(read.hooks == HookChoice::cgroup);
    CHECK(read.queue == 7);
    CHECK(read.queues == 4);
    CHECK(read.mark_mask == 0x3f00);
    CHECK(read.rules_dir == "/tmp/rules");
    CHECK(read.database == "/tmp/audit.db");
    CHECK(read.control_socket == "/tmp/control.sock");
    CHECK(read.read_group == "readers");
    CHECK(read.change_group == "_changers-1");
    CHECK(read.retention == Retention{1, 2, 4});
    CHECK(read.limits == Limits{3, 4, 5, 6, 8, 9, 10, 11});
    CHECK(read.dns == DnsConfig{false, {"192.0.2.53", "/tmp/resolv.conf"}, "/tmp/hosts", 5});
    CHECK(config("dns: {resolvers: \"2001:db8::53\"}\n").dns.resolvers ==
          std::vector<std::string>{"2001:db8::53"});
    CHECK(read.digests == DigestLimits{9, 10, 11});
    CHECK_FALSE(read.verdict_cache);
    CHECK(read.denied_as == DeniedAs::eacces);
    CHECK_FALSE(read.busy_wait);
    CHECK(invalid(read) == "valid");
}

TEST_CASE("queues are few, a power of two, and have numbers") {
    for (const std::string good : {"auto", "1", "2", "4", "8"}) CHECK(refusal("queues: " + good + "\n") == "accepted");
    for (const std::string bad : {"0", "3", "16", "all", "\"\""})
        CHECK_THAT(refusal("queues: " + bad + "\n"), Catch::Contains("auto, 1, 2, 4 or 8"));
    CHECK(refusal("queue: 65532\nqueues: 4\n") == "accepted");
    CHECK_THAT(refusal("queue: 65533\nqueues: 4\n"), Catch::Contains("f:2:") && Catch::Contains("at most 65532"));
    CHECK(refusal("queue: 65535\nqueues: auto\n") == "accepted");
    Config changed;
    changed.queue = 65535;
    changed.queues = 2;
    CHECK_THAT(invalid(changed), Catch::Contains("at most 65534"));
    changed.queue = 1;
    changed.queues = 3;
    CHECK_THAT(invalid(changed), Catch::Contains("use auto, 1, 2, 4 or 8"));
    CHECK(queue_numbers(4870, 1) == "4870");
    CHECK(queue_numbers(4870, 4) == "4870 to 4873");
}

TEST_CASE("keys that are not there keep their defaults") {
    const Config read = config("defaults: {in: accept}\nlimits: {bindings: 1}\nhooks: kprobe\n");
    Config expected;
    expected.defaults.in = Action::accept;
    expected.limits.bindings = 1;
    expected.hooks = HookChoice::kprobe;
    check_equal(read, expected);
    CHECK(config("mark_mask: 16128\n").mark_mask == 0x3f00);
    CHECK(config("queue: 0\n").queue == 0);
    CHECK(config("queue: 65535\n").queue == 65535);
}

TEST_CASE("errors say where, what and what to do") {
    struct Case {
        const char* text;
        const char* error;
    };
    const Case cases[] = {
        {"mode: off\n", "f:1:7: mode: \"off\" is not known here (use enforce or observe)"},
        {"mode: observe\nmode: enforce\n",
         "f:2:1: the configuration: key \"mode\" is given twice (keep one of them; the other is in "
         "line 1)"},
        {"defaults:\n  out: deny\n",
         "f:2:8: defaults.out: \"deny\" is not known here (use accept, drop or reject)"},
        {"defaults:\n  both: drop\n",
         "f:2:3: defaults: unknown key \"both\" (known keys are out, in, forward)"},
        {"hooks: lsm\n", "f:1:8: hooks: \"lsm\" is not known here (use auto, fentry, kprobe or cgroup)"},
        {"loopback: drop\n",
         "f:1:11: loopback: \"drop\" is not known here (use accept or filter)"},
        {"denied_as: eperm\n", "f:1:12: denied_as: \"eperm\" is not known here (use EPERM or EACCES)"},
        {"packet_sockets: drop\n",
         "f:1:17: packet_sockets: \"drop\" is not known here (use allow, record or refuse)"},
        {"packet_sockets: [allow]\n", "f:1:17: packet_sockets: found a list where a single value was expected "
         "(write the value after the colon, on the same line)"},
        {"queue: 65536\n", "f:1:8: queue: 65536 is out of range (use a number from 0 to 65535)"},
        {"queue: -1\n", "f:1:8: queue: \"-1\" is not a number (use a number from 0 to 65535)"},
        {"retention: {days: 0}\n",
         "f:1:19: retention.days: 0 is out of range (use a number from 1 to 36500)"},
        {"rules_dir: rules\n",
         "f:1:12: rules_dir: \"rules\" is not an absolute path (begin it with \"/\")"},
        {"database: /var/lib/\n",
         "f:1:11: database: \"/var/lib/\" ends in a slash (remove the last \"/\")"},
        {"mark_mask: 0x5\n",
         "f:1:12: mark_mask: 0x00000005 is not one run of at least six bits (use bits side by "
         "side that nothing else on this host uses, such as 0x7f000000)"},
        {"groups:\n  read: no spaces\n",
         "f:2:9: groups.read: \"no spaces\" is not the name of a group (use the name of a group of "
         "this host, such as doorward)"},
        {"mode:\nqueue: 5\n",
         "f:1:1: mode: found nothing where a single value was expected (write the value after the "
         "colon, on the same line)"},
        {"limits:\nqueue: 5\n",
         "f:1:1: limits: found nothing where a map was expected (use one or more of the keys "
         "bindings, processes, listeners, queued_packets, audit_records, names, dns_queries, verdicts)"},
        {"dns:\n  resolvers: [192.0.2.1, localhost]\n",
         "f:2:26: dns.resolvers: \"localhost\" is neither an address nor a file (use the address "
         "of a DNS server, or the whole path of a file like resolv.conf)"},
    };
    for (const auto& c : cases) CHECK(refusal(c.text) == c.error);
}

TEST_CASE("what is no configuration is refused") {
    for (const char* text :
         {"mode", "- mode: observe\n", "Mode: observe\n", "mode: [observe]\n", "mode: {a: b}\n",
          "queue: 0x10000\n", "queue: 1.5\n", "queue: \"\"\n", "mark_mask: 0\n", "mark_mask: 31\n",
          "mark_mask: 0x100000000\n", "rules_dir: \"\"\n", "rules_dir: /\n", "rules_dir: ~\n",
          "database: \"/tmp/a\\0b\"\n", "groups: {read: \"\"}\n", "groups: {read: -x}\n",
          "groups: {read: 0}\n", "groups: [a, b]\n", "limits: {bindings: 0}\n",
          "limits: {bindings: 99999999999}\n", "limits: 5\n", "defaults: drop\n",
          "dns: {resolvers: []}\n", "dns: {resolvers: 0.0.0.0}\n", "dns: {resolvers: /etc/}\n",
          "dns: {hosts_file: hosts}\n", "dns: {minimum_ttl: 0}\n", "dns: {enabled: 2}\n",
          "mode: observe\n---\nmode: enforce\n", "mode: &a observe\n", "mode: !!str observe\n",
          "mode: \"observe\n", "mode: observe\n\tqueue: 5\n", "<<: {mode: observe}\n"}) {
        INFO(text);
        CHECK(refusal(text) != "accepted");
    }
    CHECK(refusal(std::string((1 << 20) + 1, '#')).find("bytes long") != std::string::npos);
    CHECK(refusal(std::string(1 << 20, '#')) == "accepted");
    CHECK(refusal("control_socket: /" + std::string(107, 'a') + "\n").find("107 bytes") !=
          std::string::npos);
    CHECK(refusal("control_socket: /" + std::string(106, 'a') + "\n") == "accepted");
}

TEST_CASE("validate finds what options broke") {
    const auto with = [](auto change) {
        Config changed;
        change(changed);
        return invalid(changed);
    };
    CHECK(with([](Config& c) { c.mark_mask = 0; }).starts_with("mark_mask: 0x00000000"));
    CHECK(with([](Config& c) { c.mark_mask = 0xb; }).starts_with("mark_mask: 0x0000000b"));
    CHECK(with([](Config& c) { c.rules_dir = "x"; }).starts_with("rules_dir: "));
    CHECK(with([](Config& c) { c.database = ""; }).starts_with("database: "));
    CHECK(with([](Config& c) { c.control_socket = "@x"; }).starts_with("control_socket: "));
    CHECK(with([](Config& c) { c.read_group = "a b"; }).starts_with("groups.read: "));
    CHECK(with([](Config& c) { c.change_group = ""; }).starts_with("groups.change: "));
    CHECK(with([](Config& c) { c.retention.days = 0; }).starts_with("retention.days: "));
    CHECK(with([](Config& c) { c.retention.megabytes = 0; }).starts_with("retention.megabytes: "));
    CHECK(with([](Config& c) { c.limits.bindings = 0; }).starts_with("limits.bindings: "));
    CHECK(with([](Config& c) { c.limits.processes = 0; }).starts_with("limits.processes: "));
    CHECK(with([](Config& c) { c.limits.listeners = 0; }).starts_with("limits.listeners: "));
    CHECK(with([](Config& c) { c.limits.queued_packets = 0; }).starts_with("limits.queued"));
    CHECK(with([](Config& c) { c.limits.audit_records = 0; }).starts_with("limits.audit_records"));
    CHECK(with([](Config& c) { c.limits.names = 0; }).starts_with("limits.names"));
    CHECK(with([](Config& c) { c.limits.dns_queries = 0; }).starts_with("limits.dns_queries"));
    CHECK(with([](Config& c) { c.dns.resolvers = {"x"}; }).starts_with("dns.resolvers: "));
    CHECK(with([](Config& c) { c.dns.hosts_file = ""; }).starts_with("dns.hosts_file: "));
    CHECK(with([](Config& c) { c.dns.minimum_ttl = 0; }).starts_with("dns.minimum_ttl: "));
    CHECK(with([](Config& c) { c.limits.bindings = 0xffffffff; }).starts_with("limits.bindings: "));
    CHECK(with([](Config& c) { c.digests.files = 0; }).starts_with("digests.files: "));
    CHECK(with([](Config& c) { c.digests.parked_packets = 0; }).starts_with("digests.parked"));
    CHECK(with([](Config& c) { c.digests.wait_ms = 60'001; }).starts_with("digests.wait_ms: "));
}
