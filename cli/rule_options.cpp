// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rule_options.hpp"

#include <charconv>

#include <fmt/format.h>

#include "cli/app_path.hpp"
#include "rules/condition_text.hpp"

namespace doorward {
namespace {

void add_list(CLI::App& command, const std::string& name, std::vector<std::string>& values,
              const std::string& type, const std::string& description) {
    // One value for each use of the option: a second word is the next argument, not a second value.
    command.add_option(name, values, description)
        ->allow_extra_args(false)
        ->delimiter(',')
        ->type_name(type);
}

Result<Protocol> protocol_from(std::string_view text) {
    if (const auto protocol = parse_protocol(text)) return *protocol;
    return fail("\"" + std::string(text) + "\" is no protocol",
                "use tcp, udp, icmp, icmpv6, sctp, udplite or a number from 0 to 255");
}

template <class T>
Result<void> read_all(const std::string& option, const std::vector<std::string>& texts,
                      Result<T> (*parse)(std::string_view), std::vector<T>& out) {
    for (const std::string& text : texts) {
        auto value = parse(text);
        if (!value) return fail(option + ": " + value.error().what, value.error().remedy);
        out.push_back(std::move(*value));
    }
    return {};
}

Result<void> read_apps(const std::vector<std::string>& texts, NewRule& made) {
    for (const std::string& text : texts) {
        auto path = resolve_app(text);
        if (!path) return std::unexpected(path.error());
        if (path->note) made.notes.push_back(std::move(*path->note));
        auto app = parse_app(path->pattern);
        if (!app) return std::unexpected(app.error());
        made.rule.apps.push_back(std::move(*app));
    }
    return {};
}

Result<void> read_identity(const RuleOptions& options, Rule& rule) {
    auto done = read_all("--group", options.groups, parse_group, rule.groups);
    if (done) done = read_all("--unit", options.units, parse_unit, rule.units);
    if (done) done = read_all("--slice", options.slices, parse_slice, rule.slices);
    if (done) done = read_all("--container", options.containers, parse_container, rule.containers);
    if (done) done = read_all("--parent", options.parents, parse_parent, rule.parents);
    if (done) done = read_all("--script", options.scripts, parse_script, rule.scripts);
    return done;
}

Result<void> read_conditions(const RuleOptions& options, Rule& rule) {
    if (auto done = read_all("--user", options.users, parse_user, rule.users); !done) return done;
    if (auto done = read_identity(options, rule); !done) return done;
    if (auto done = read_all("--package", options.packages, parse_package, rule.packages); !done)
        return done;
    if (auto done = read_all("--verity", options.verity, parse_verity, rule.verity); !done)
        return done;
    if (auto done = read_all("--sha256", options.sha256, parse_sha256, rule.sha256); !done)
        return done;
    if (auto done = read_all("--protocol", options.protocols, protocol_from, rule.protocols); !done)
        return done;
    if (auto done = read_all("--to", options.to, parse_prefix, rule.to); !done) return done;
    if (auto done = read_all("--from", options.from, parse_prefix, rule.from); !done) return done;
    if (auto done = read_all("--domain", options.domains, parse_domain, rule.domains); !done)
        return done;
    return read_all("--port", options.ports, parse_ports, rule.ports);
}

Result<void> read_expiry(const std::string& duration, std::int64_t now, Rule& rule) {
    if (duration.empty()) return {};
    const auto seconds = parse_duration(duration);
    if (!seconds) return std::unexpected(seconds.error());
    rule.expires = now + *seconds;
    return {};
}

// Only what a rule's name may have.
std::string name_part(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (fits) out += c;
        else if (!out.empty() && out.back() != '-') out += '-';
    }
    while (out.ends_with('-')) out.pop_back();
    return out.substr(0, 24);
}

std::string app_part(const AppPattern& app) {
    if (app.kind == AppPattern::Kind::unknown) return name_part(app.text);
    return name_part(std::string_view(app.text).substr(app.text.rfind('/') + 1));
}

std::string domain_part(const DomainPattern& domain) {
    const std::string_view text = domain.text;
    return name_part(text.substr(text.starts_with("*.") ? 2 : 0));
}

}  // namespace

void add_rule_options(CLI::App& command, RuleOptions& options) {
    add_list(command, "--to", options.to, "ADDRESS",
             "destination address or prefix; may be repeated");
    add_list(command, "--from", options.from, "ADDRESS",
             "source address or prefix; may be repeated");
    add_list(command, "--domain", options.domains, "NAME",
             "host name of the destination, or *.NAME for those below it; may be repeated");
    add_list(command, "--port", options.ports, "PORT",
             "destination port or range, as 8000-8080; may be repeated");
    add_list(command, "--protocol", options.protocols, "PROTOCOL", "tcp, udp, …; may be repeated");
    add_list(command, "--user", options.users, "USER", "user name or uid; may be repeated");
    add_list(command, "--group", options.groups, "GROUP", "group name or gid; may be repeated");
    add_list(command, "--unit", options.units, "UNIT",
             "systemd unit or pattern, as backup-*.service; may be repeated");
    add_list(command, "--slice", options.slices, "SLICE",
             "systemd slice or pattern, as user-1000.slice; may be repeated");
    add_list(command, "--container", options.containers, "CONTAINER",
             "RUNTIME:NAME or pattern, as docker:*; may be repeated");
    add_list(command, "--parent", options.parents, "PATH",
             "an ancestor's program: path or pattern; may be repeated");
    add_list(command, "--script", options.scripts, "PATH",
             "what the interpreter was started to run: path, pattern, module:NAME; may be repeated");
    add_list(command, "--package", options.packages, "PACKAGE",
             "package that the program is part of; may be repeated");
    add_list(command, "--verity", options.verity, "DIGEST",
             "fs-verity digest of the program's file; may be repeated");
    add_list(command, "--sha256", options.sha256, "DIGEST",
             "SHA-256 of the program's file; may be repeated");
    command.add_flag("--in", options.in, "inbound flows");
    command.add_flag("--out", options.out, "outbound flows");
    command.add_option("--for", options.duration, "expire after this time: 90s, 20m, 2h, 7d")
        ->type_name("TIME");
    command.add_option("--comment", options.comment, "a remark to keep with the rule")
        ->type_name("TEXT");
    command.add_flag("--journal", options.journal, "tell the system journal too when it matches");
    command.add_flag("--last", options.last, "put it after the other rules instead of before them");
    command.add_flag("--json", options.json, "print JSON");
}

Result<NewRule> make_rule(const RuleOptions& options, Action action, std::int64_t now) {
    NewRule made;
    Rule& rule = made.rule;
    rule.action = action;
    rule.log = options.journal ? LogLevel::journal : LogLevel::audit;
    if (options.in != options.out) rule.direction = options.in ? Direction::in : Direction::out;
    if (!options.name.empty()) {
        auto name = parse_rule_name(options.name);
        if (!name) return std::unexpected(name.error());
        rule.name = std::move(*name);
    }
    if (!options.comment.empty()) {
        auto comment = parse_comment(options.comment);
        if (!comment) return fail("--comment: " + comment.error().what, comment.error().remedy);
        rule.comment = std::move(*comment);
    }
    if (auto done = read_apps(options.apps, made); !done) return std::unexpected(done.error());
    if (auto done = read_conditions(options, rule); !done) return std::unexpected(done.error());
    if (auto done = read_expiry(options.duration, now, rule); !done)
        return std::unexpected(done.error());
    return made;
}

Result<std::int64_t> parse_duration(const std::string& text) {
    const std::string_view units = "smhd";
    constexpr std::int64_t lengths[] = {1, 60, 3600, 86400};
    constexpr std::int64_t longest = 36500;  // of any unit: a century in days
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    const std::size_t unit = stopped + 1 == end ? units.find(*stopped) : std::string_view::npos;
    if (error != std::errc{} || unit == std::string_view::npos || number <= 0 || number > longest)
        return fail("--for: \"" + text + "\" is no length of time",
                    "use a number from 1 to 36500 and s, m, h or d, as 20m");
    return number * lengths[unit];
}

std::string suggested_name(const std::string& verb, const Rule& rule) {
    std::string name = verb;
    const auto add = [&](const std::string& part) {
        if (!part.empty()) name += "-" + part;
    };
    add(rule.apps.empty() ? "any" : app_part(rule.apps.front()));
    if (!rule.ports.empty()) add(std::to_string(rule.ports.front().first));
    else if (!rule.domains.empty()) add(domain_part(rule.domains.front()));
    else if (!rule.to.empty()) add(name_part(rule.to.front().to_string()));
    return name;
}

}  // namespace doorward
