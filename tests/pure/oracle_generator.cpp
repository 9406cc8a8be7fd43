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
constexpr const char* scripts[] = {"", "/opt/a/tool", "/usr/bin/curl", "module:a.b", "module:a.c"};
constexpr const char* prefixes[] = {
    "203.0.113.0/24", "203.0.113.7", "203.0.113.128/25", "0.0.0.0/0", "2001:db8::/32",
    "2001:db8::7",    "::/0",        "10.0.0.0/8",       "10.1.0.0/16"};
constexpr const char* addresses[] = {"203.0.113.7",  "203.0.113.200", "10.1.2.3",
                                     "10.2.0.1",     "2001:db8::7",   "2001:db8:1::1",
                                     "192.0.2.1",    "fe80::1"};
constexpr const char* ranges[] = {"443", "80", "53", "0-1023", "8000-8080", "0-65535", "0"};
constexpr const char* domains[] = {"example.org",    "*.example.org", "www.example.org", "*.org",
                                   "a.www.example.org", "*.www.example.org", "printer",
                                   "badexample.org", "*.net"};
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
    "00000000000000000000000000000000000000000000000000000000000000AB",
    "ff000000000000000000000000000000000000000000000000000000000000aa"};
constexpr const char* verities[] = {
    "sha256:00000000000000000000000000000000000000000000000000000000000000aa",
    "sha256:00000000000000000000000000000000000000000000000000000000000000ab"};
constexpr const char* package_patterns[] = {"curl", "python3*", "*", "?url", "lib*"};
constexpr const char* package_names[] = {"curl", "python3", "python3.11", "libc6", "wget"};
constexpr std::int64_t times[] = {0, 999, 1000, 1001, 2000};
constexpr Action actions[] = {Action::accept, Action::drop, Action::reject};
constexpr Direction directions[] = {Direction::out, Direction::in};

}  // namespace

std::size_t Generator::below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
}

AppPattern Generator::app() { return parse_app(pick(patterns)).value(); }

void Generator::add_identity(Rule& rule) {
    if (chance(15)) rule.groups.push_back(parse_group(pick(groups)).value());
    if (chance(15))
        for (auto count = 1 + below(2); count > 0; --count)
            rule.units.push_back(parse_unit(pick(unit_patterns)).value());
    if (chance(10)) rule.slices.push_back(parse_slice(pick(slice_patterns)).value());
    if (chance(8)) rule.parents.push_back(parse_parent(pick(parent_patterns)).value());
    if (chance(8)) rule.scripts.push_back(parse_script(pick(script_patterns)).value());
    if (chance(10)) rule.containers.push_back(parse_container(pick(container_patterns)).value());
}

Rule Generator::rule(std::size_t number) {
    Rule rule;
    rule.name = "r" + std::to_string(number);
    rule.action = pick(actions);
    rule.enabled = !chance(10);
    if (chance(15)) rule.expires = pick(times);
    if (chance(30)) rule.direction = pick(directions);
    if (chance(60))
        for (auto count = 1 + below(3); count > 0; --count) rule.apps.push_back(app());
    if (chance(20))
        for (auto count = 1 + below(2); count > 0; --count)
            rule.users.push_back(parse_user(pick(users)).value());
    add_identity(rule);
    if (chance(4)) rule.sha256.push_back(parse_sha256(pick(digests)).value());
    if (chance(3)) rule.verity.push_back(parse_verity(pick(verities)).value());
    if (chance(4)) rule.packages.push_back(parse_package(pick(package_patterns)).value());
    if (chance(30))
        for (auto count = 1 + below(3); count > 0; --count)
            rule.protocols.push_back(pick(protocols));
    if (chance(30))
        for (auto count = 1 + below(2); count > 0; --count)
            rule.to.push_back(parse_prefix(pick(prefixes)).value());
    if (chance(15)) rule.from.push_back(parse_prefix(pick(prefixes)).value());
    if (chance(30))
        for (auto count = 1 + below(2); count > 0; --count)
            rule.ports.push_back(parse_ports(pick(ranges)).value());
    if (chance(30))
        for (auto count = 1 + below(3); count > 0; --count)
            rule.domains.push_back(parse_domain(pick(domains)).value());
    return rule;
}

std::vector<Rule> Generator::rules(std::size_t most) {
    std::vector<Rule> rules(below(most + 1));
    for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = rule(i);
    return rules;
}

Defaults Generator::defaults() { return {pick(actions), pick(actions)}; }

std::int64_t Generator::now() { return pick(times); }

// What the process is beside its executable and its user, where it isn't to be kept.
void Generator::set_identity(Inputs kept) {
    if (!kept.has(Input::group)) process_.gid = pick(gids);
    if (!kept.has(Input::script)) process_.script = pick(scripts);
    if (!kept.has(Input::ancestors)) {
        process_.ancestors.clear();
        for (auto count = below(3); count > 0; --count)
            process_.ancestors.emplace_back(pick(executables));
    }
    if (kept.has(Input::control_group)) return;
    process_.control_group = {};
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
    flow.content = chance(80) ? &content_ : nullptr;
}

void Generator::change_content(Flow& flow, Inputs kept) {
    const ExecutableContent before = flow.content ? *flow.content : ExecutableContent{};
    set_content(flow);
    flow.content = &content_;
    if (kept.has(Input::sha256)) content_.sha256 = before.sha256;
    if (kept.has(Input::verity)) content_.verity = before.verity;
    if (kept.has(Input::package)) content_.package = before.package;
}

Flow Generator::flow() {
    Flow flow;
    flow.direction = pick(directions);
    flow.protocol = pick(protocols);
    flow.local = Address::parse(pick(addresses)).value();
    flow.remote = Address::parse(pick(addresses)).value();
    flow.local_port = pick(ports);
    flow.remote_port = pick(ports);
    set_names(flow);
    set_process(flow);
    set_content(flow);
    if (chance(25)) {
        flow.process = nullptr;
        flow.unknown = pick(reasons);
    }
    return flow;
}

void Generator::change_all_but(Flow& flow, std::int64_t& now, Inputs kept) {
    if (!kept.has(Input::direction)) flow.direction = pick(directions);
    if (!kept.has(Input::protocol)) flow.protocol = pick(protocols);
    if (!kept.has(Input::remote_address)) flow.remote = Address::parse(pick(addresses)).value();
    if (!kept.has(Input::local_address)) flow.local = Address::parse(pick(addresses)).value();
    if (!kept.has(Input::remote_port)) flow.remote_port = pick(ports);
    if (!kept.has(Input::local_port)) flow.local_port = pick(ports);
    if (!kept.has(Input::domain)) set_names(flow);
    if (!kept.has(Input::time)) now = pick(times);
    // Whether the process is known belongs to everything that is asked of it.
    constexpr Input of_process[] = {Input::executable,    Input::user,      Input::group,
                                    Input::control_group, Input::ancestors, Input::script,
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

}  // namespace doorward::oracle
