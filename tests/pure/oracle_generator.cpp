// SPDX-License-Identifier: GPL-2.0-or-later
#include "oracle.hpp"

#include <algorithm>

#include "rules/condition_text.hpp"

namespace doorward::oracle {

namespace {

constexpr const char* executables[] = {
    "/usr/bin/curl", "/usr/bin/python3", "/usr/bin/python3.11", "/bin/curl", "/opt/a/b/tool",
    "/opt/tool",     "/opt/a/tool",      "/opt/a/tool2",        "",          "/"};
constexpr const char* patterns[] = {
    "/usr/bin/curl", "/usr/bin/python3", "/bin/curl",     "/opt/tool", "/opt/a/tool",
    "/opt/*/tool",   "/opt/**/tool",     "/opt/**",       "/usr/*/c*", "/opt/a/tool[!0-9]",
    "/**",           "/*/*/?url",        "/usr/bin/[a-p]*", "unknown", "unknown:no-binding",
    "unknown:kernel", "unknown:no-listener"};
constexpr const char* users[] = {"alice", "bob", "root", "1000", "1002"};
constexpr const char* groups[] = {"wheel", "users", "0", "10", "7"};
constexpr std::uint32_t gids[] = {0, 7, 10, 100};
constexpr const char* unit_patterns[] = {"ssh.service", "*.service", "user:*", "user:app-?.scope",
                                         "user@1000.service", "a\\x2db.service", "*.scope"};
constexpr const char* units[] = {"ssh.service", "user@1000.service", "user:app-1.scope",
                                 "user:ssh.service", "a\\x2db.service", "init.scope"};
constexpr const char* slice_patterns[] = {"user.slice", "*.slice", "user:app.slice", "user-*"};
constexpr const char* slices[] = {"user.slice", "user-1000.slice", "user:app.slice"};
constexpr const char* container_patterns[] = {"lxc:web", "*", "user:*", "lxc:*", "user:lxc:web"};
constexpr const char* containers[] = {"lxc:web", "", "user:lxc:web", "machine:web"};
constexpr const char* parent_patterns[] = {"/usr/bin/curl", "/bin/curl", "/opt/**/tool", "/**"};
constexpr const char* script_patterns[] = {"/opt/a/tool", "/opt/*/tool", "/bin/curl", "module:a.b",
                                           "module:*"};
constexpr const char* scripts[] = {"", "unknown:cut", "/opt/a/tool", "/usr/bin/curl", "module:a.b", "module:a.c"};
constexpr const char* injection_words[] = {"preload", "library-path", "tracer", "filter", "any"};
constexpr const char* prefixes[] = {
    "203.0.113.0/24", "203.0.113.7", "203.0.113.128/25", "0.0.0.0/0", "2001:db8::/32",
    "2001:db8::7",    "::/0",        "10.0.0.0/8",       "10.1.0.0/16", "loopback", "multicast",
    "private",        "lan",         "dns",              "self",        "set:servers", "set:near"};
constexpr const char* addresses[] = {"203.0.113.7",  "203.0.113.200", "10.1.2.3",
                                     "10.2.0.1",     "2001:db8::7",   "2001:db8:1::1",
                                     "192.0.2.1",    "fe80::1",       "127.0.0.1",   "224.0.0.251"};
constexpr const char* ranges[] = {"443", "80", "53", "0-1023", "8000-8080", "0-65535", "0", "set:web",
                                  "7999-8001"};
constexpr const char* domains[] = {"example.org",    "*.example.org", "www.example.org", "*.org",
                                   "a.www.example.org", "*.www.example.org", "printer",
                                   "badexample.org", "*.net", "set:names"};
constexpr std::string_view names[] = {"example.org", "www.example.org", "a.www.example.org",
                                      "badexample.org", "org", "printer", "example.net"};
constexpr std::uint16_t ports[] = {0, 53, 80, 443, 1023, 1024, 7999, 8000, 8080, 8081, 65535};
constexpr Protocol protocols[] = {Protocol::tcp,    Protocol::udp,    Protocol::icmp,
                                  Protocol::icmpv6, Protocol::sctp,   Protocol::udplite,
                                  Protocol{0},      Protocol{47}};
constexpr std::uint32_t uids[] = {0, 1000, 1001, 1002, 4294967294};
constexpr Unknown reasons[] = {Unknown::no_binding,      Unknown::no_listener,
                               Unknown::kernel,          Unknown::process_lost,
                               Unknown::path_unreadable, Unknown::bad_packet,
                               Unknown::ambiguous, Unknown::forwarded};
constexpr const char* digests[] = {
    "00000000000000000000000000000000000000000000000000000000000000aa",
    "00000000000000000000000000000000000000000000000000000000000000ab",
    "ff000000000000000000000000000000000000000000000000000000000000aa"};
constexpr const char* verities[] = {
    "sha256:00000000000000000000000000000000000000000000000000000000000000aa",
    "sha256:00000000000000000000000000000000000000000000000000000000000000ab"};
constexpr const char* package_patterns[] = {"curl", "python3*", "*", "?url", "lib*"};
constexpr const char* package_names[] = {"curl", "python3", "python3.11", "libc6", "wget"};
constexpr const char* digest_values[] = {
    "00000000000000000000000000000000000000000000000000000000000000aa", "set:digests"};
constexpr const char* direction_values[] = {"out", "in", "forward"};
constexpr const char* protocol_values[] = {"tcp", "udp", "icmp", "icmpv6", "sctp", "udplite", "0", "47"};
constexpr const char* interface_patterns[] = {"eth0", "wl*", "eth[0-9]"};
constexpr std::string_view interfaces[] = {"", "eth0", "eth1", "wlan0"};
constexpr const char* profile_names[] = {"home", "work", "any-wlan"};
constexpr const char* week_times[] = {"mon-fri 08:00-17:30", "sat,sun", "22:00-06:00",
                                      "fri 22:00-06:00", "sun 23:00-01:00"};
constexpr std::uint16_t minutes[] = {0, 59, 60, 480, 1050, 7140, 7199, 7300, 9000, 10020, 10079,
                                     Surroundings::no_minute};
constexpr std::int64_t times[] = {0, 999, 1000, 1001, 2000};
constexpr Action actions[] = {Action::accept, Action::drop, Action::reject};
constexpr Direction directions[] = {Direction::out, Direction::in, Direction::forward};

}  // namespace

std::size_t Generator::below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
}

template <std::size_t N>
void Generator::add(Rule& rule, Condition condition, unsigned percent,
                    const char* const (&values)[N]) {
    for (const bool negated : {false, true}) {
        if (!chance(negated ? percent / 4 : percent)) continue;
        const auto count = condition == Condition::direction ? 1 : chance(5) ? 12 : 1 + below(4);
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < count; ++i)
            texts.push_back(condition_info(condition).canonical(pick(values)).value());
        rule.add(condition, texts, negated);
    }
}

Rule Generator::rule(std::size_t number) {
    Rule rule;
    rule.name = "r" + std::to_string(number);
    rule.action = pick(actions);
    rule.enabled = !chance(10);
    if (chance(15)) rule.expires = pick(times);
    add(rule, Condition::direction, 15, direction_values);
    add(rule, Condition::app, 45, patterns);
    add(rule, Condition::user, 10, users);
    add(rule, Condition::group, 10, groups);
    add(rule, Condition::unit, 12, unit_patterns);
    add(rule, Condition::slice, 8, slice_patterns);
    add(rule, Condition::container, 8, container_patterns);
    add(rule, Condition::parent, 8, parent_patterns);
    add(rule, Condition::script, 8, script_patterns);
    add(rule, Condition::injected, 8, injection_words);
    add(rule, Condition::sha256, 4, digest_values);
    add(rule, Condition::verity, 4, verities);
    add(rule, Condition::package, 4, package_patterns);
    add(rule, Condition::protocol, 15, protocol_values);
    add(rule, Condition::to, 25, prefixes);
    add(rule, Condition::from, 12, prefixes);
    add(rule, Condition::port, 20, ranges);
    add(rule, Condition::domain, 15, domains);
    add(rule, Condition::interface, 6, interface_patterns);
    add(rule, Condition::profile, 6, profile_names);
    add(rule, Condition::when, 6, week_times);
    return rule;
}

std::vector<Rule> Generator::rules(std::size_t most) {
    std::vector<Rule> rules(below(most + 1));
    for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = rule(i);
    return rules;
}

Defaults Generator::defaults() { return {pick(actions), pick(actions), pick(actions)}; }

Surroundings Generator::surroundings() {
    network_ = {};
    for (const char* prefix : {"10.1.0.0/16", "2001:db8::/32", "203.0.113.0/24"})
        if (chance(40)) network_.lan.push_back(Prefix::parse(prefix).value());
    for (auto* list : {&network_.self, &network_.dns})
        for (auto count = below(3); count > 0; --count)
            list->push_back(Address::parse(pick(addresses)).value());
    if (chance(60)) network_.gateways.push_back({Address::parse("192.0.2.1").value(), "", "eth0"});
    if (chance(30))
        network_.gateways.push_back(
            {Address::parse("fe80::1").value(), "52:54:00:00:00:01", "wlan0"});
    if (chance(50)) network_.interfaces.push_back("eth0");
    if (chance(50)) network_.interfaces.push_back("wlan0");
    if (chance(50)) network_.domains.push_back("example.org");
    return {pick(times), pick(minutes), chance(80) ? &network_ : nullptr};
}

// What the process is beside its executable and its user, where it isn't to be kept.
void Generator::set_identity(Inputs kept) {
    if (!kept.has(Input::group)) process_.gid = pick(gids);
    if (!kept.has(Input::script)) process_.script = pick(scripts);
    if (!kept.has(Input::injected)) {
        process_.injected.found = static_cast<std::uint8_t>(below(16) & below(16));
        process_.injected.unknown = static_cast<std::uint8_t>(below(16) & below(16) & ~process_.injected.found);
    }
    if (!kept.has(Input::ancestors)) {
        process_.ancestors.clear();
        for (auto count = below(3); count > 0; --count)
            process_.ancestors.emplace_back(pick(executables));
        process_.ancestors_whole = chance(70);
    }
    if (kept.has(Input::control_group)) return;
    process_.control_group = {};
    process_.control_group.known = chance(50);
    for (auto count = below(3); count > 0; --count) {
        process_.control_group.units.emplace_back(pick(units));
        process_.control_group.slices.emplace_back(pick(slices));
    }
    process_.control_group.container = pick(containers);
}

void Generator::set_executable() {
    process_.exe = pick(executables);
    process_.appimage = chance(30) ? pick(executables) : "";
}

void Generator::set_process(Flow& flow) {
    set_executable();
    process_.uid = pick(uids);
    set_identity({});
    flow.process = &process_;
    flow.unknown = Unknown::none;
}

// Up to more names than the index can walk at a time.
void Generator::set_names(Flow& flow) {
    names_.clear();
    for (auto count = chance(10) ? below(30) : below(4); count > 0; --count)
        names_.push_back(pick(names));
    flow.names = names_;
}

// Nobody has looked, or all was asked for and some of it is known.
void Generator::set_content(Flow& flow) {
    content_ = ExecutableContent::nothing(Facts::all(), NoContent::none);
    if (chance(70)) content_.sha256 = parse_sha256(pick(digests)).value();
    if (chance(50)) content_.verity = pick(verities);
    if (chance(70)) content_.package = pick(package_names);
    if (chance(20)) content_.missing = NoContent::gone;
    flow.content = chance(80) ? &content_ : nullptr;
}

void Generator::change_content(Flow& flow, Inputs kept) {
    const bool any = kept.has(Input::sha256) || kept.has(Input::verity) || kept.has(Input::package);
    if (any && !flow.content) return;  // nobody has looked: that is kept
    const ExecutableContent before = flow.content ? *flow.content : ExecutableContent{};
    set_content(flow);
    flow.content = &content_;
    if (kept.has(Input::sha256)) content_.sha256 = before.sha256;
    if (kept.has(Input::verity)) content_.verity = before.verity;
    if (kept.has(Input::package)) content_.package = before.package;
    if (kept.has(Input::verity) || kept.has(Input::package)) content_.missing = before.missing;
}

Flow Generator::flow() {
    Flow flow;
    flow.direction = pick(directions);
    flow.protocol = pick(protocols);
    flow.local = Address::parse(pick(addresses)).value();
    flow.remote = Address::parse(pick(addresses)).value();
    flow.local_port = pick(ports);
    flow.remote_port = pick(ports);
    flow.interface = pick(interfaces);
    set_names(flow);
    set_process(flow);
    set_content(flow);
    if (chance(25)) {
        flow.process = nullptr;
        flow.unknown = pick(reasons);
    }
    return flow;
}

void Generator::change_all_but(Flow& flow, Surroundings& around, Inputs kept) {
    const Network network = network_;
    const Surroundings changed = surroundings();
    if (kept.has(Input::network)) network_ = network;
    else around.network = changed.network;
    if (!kept.has(Input::time)) {
        around.now = changed.now;
        around.minute_of_week = changed.minute_of_week;
    }
    if (!kept.has(Input::interface)) flow.interface = pick(interfaces);
    if (!kept.has(Input::direction)) flow.direction = pick(directions);
    if (!kept.has(Input::protocol)) flow.protocol = pick(protocols);
    if (!kept.has(Input::remote_address)) flow.remote = Address::parse(pick(addresses)).value();
    if (!kept.has(Input::local_address)) flow.local = Address::parse(pick(addresses)).value();
    if (!kept.has(Input::remote_port)) flow.remote_port = pick(ports);
    if (!kept.has(Input::local_port)) flow.local_port = pick(ports);
    if (!kept.has(Input::domain)) set_names(flow);
    // Whether the process is known belongs to everything that is asked of it.
    constexpr Input of_process[] = {Input::executable,    Input::user,      Input::group,
                                    Input::control_group, Input::ancestors, Input::script, Input::injected,
                                    Input::sha256,        Input::verity,    Input::package};
    const bool kept_process =
        std::ranges::any_of(of_process, [&](Input input) { return kept.has(input); });
    if (!kept_process && chance(50)) {
        if (flow.process) {
            flow.process = nullptr;
            flow.unknown = pick(reasons);
        } else if (!kept.has(Input::unknown_reason)) {
            set_process(flow);
        }
    }
    change_content(flow, kept);
    if (flow.process && !kept.has(Input::executable)) set_executable();
    if (flow.process && !kept.has(Input::user)) process_.uid = pick(uids);
    if (flow.process) set_identity(kept);
    if (!flow.process && !kept.has(Input::unknown_reason)) flow.unknown = pick(reasons);
}

const World& test_world() {
    static const World world = [] {
        World made;
        const auto set = [&](std::string name, SetKind kind, std::vector<std::string> texts) {
            SetDefinition definition{std::move(name), kind, {}, {"sets", 1, 1}};
            for (auto& text : texts) definition.values.push_back({std::move(text)});
            made.sets.push_back(std::move(definition));
        };
        set("servers", SetKind::addresses, {"203.0.113.0/25", "2001:db8::7", "10.2.0.1"});
        set("near", SetKind::addresses, {"set:servers", "lan", "fe80::/10"});
        set("web", SetKind::ports, {"80", "443", "8000-8010"});
        set("names", SetKind::domains, {"example.org", "*.www.example.org", "set:more-names"});
        set("more-names", SetKind::domains, {"*.net"});
        set("digests", SetKind::sha256,
            {"00000000000000000000000000000000000000000000000000000000000000ab"});
        made.profiles = {{"home", {"192.0.2.1"}, {}, {}, {}, {"profiles", 1, 1}},
                         {"work", {}, {"52:54:00:00:00:01"}, {}, {"example.org"}, {"profiles", 2, 1}},
                         {"any-wlan", {}, {}, {"wl*"}, {}, {"profiles", 3, 1}}};
        made.environment = test_environment();
        return made;
    }();
    return world;
}

std::shared_ptr<const Ruleset> compile(const std::vector<Rule>& rules, const Defaults& defaults,
                                       const World& world) {
    RulePackBuilder builder("test");
    for (const Rule& rule : rules) builder.add(rule);
    for (const SetDefinition& set : world.sets) builder.add(set);
    for (const ProfileDefinition& profile : world.profiles) builder.add(profile);
    return Ruleset::compile({builder.finish()}, defaults, world.environment).value();
}

}  // namespace doorward::oracle
