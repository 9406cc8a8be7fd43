// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/matcher.hpp"

#include <algorithm>
#include <functional>

namespace doorward {

namespace {

constexpr std::uint32_t bit(Unknown reason) { return 1u << static_cast<unsigned>(reason); }
constexpr std::uint32_t every_reason = ~bit(Unknown::none);

bool meets_app(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::executable);
    if (!flow.process) {
        inputs.add(Input::unknown_reason);
        return compiled.unknown_reasons & bit(flow.unknown);
    }
    const std::string& exe = flow.process->exe;
    if (exe.empty()) return false;  // a path that is not known is no path, least of all any path
    return std::ranges::binary_search(compiled.paths, exe) ||
           std::ranges::any_of(compiled.globs, [&](const Glob& glob) { return glob.matches(exe); });
}

bool meets_user(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::user);
    return flow.process && std::ranges::binary_search(compiled.users, flow.process->uid);
}

bool within(const std::vector<Prefix>& prefixes, const Address& address) {
    return std::ranges::any_of(prefixes,
                               [&](const Prefix& prefix) { return prefix.contains(address); });
}

// Which end of the flow a rule's `to` or `from` speaks of depends on the direction.
void add_end(Inputs& inputs, const Flow& flow, bool destination, Input remote, Input local) {
    inputs.add(Input::direction);
    inputs.add((flow.direction == Direction::out) == destination ? remote : local);
}

bool meets_to(const Rule& rule, const Flow& flow, Inputs& inputs) {
    add_end(inputs, flow, true, Input::remote_address, Input::local_address);
    return within(rule.to, flow.destination());
}

bool meets_from(const Rule& rule, const Flow& flow, Inputs& inputs) {
    add_end(inputs, flow, false, Input::remote_address, Input::local_address);
    return within(rule.from, flow.source());
}

bool meets_port(const Rule& rule, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::protocol);
    if (!has_ports(flow.protocol)) return false;
    add_end(inputs, flow, true, Input::remote_port, Input::local_port);
    const auto port = flow.destination_port();
    return std::ranges::any_of(rule.ports, [port](const PortRange& range) {
        return range.first <= port && port <= range.last;
    });
}

Error pattern_error(const AppPattern& app, const GlobError& error) {
    return {"app \"" + app.text + "\": " + error.what, error.remedy, app.place};
}

Result<void> compile_app(CompiledRule& compiled, const AppPattern& app,
                         const Environment& environment) {
    switch (app.kind) {
        case AppPattern::Kind::unknown:
            compiled.unknown_reasons |= app.reason ? bit(*app.reason) : every_reason;
            break;
        case AppPattern::Kind::glob: {
            auto glob = Glob::parse(app.text);
            if (!glob) return std::unexpected(pattern_error(app, glob.error()));
            compiled.globs.push_back(std::move(*glob));
            break;
        }
        case AppPattern::Kind::path:
            compiled.paths.push_back(app.text);
            if (environment.resolve_path)
                compiled.paths.push_back(environment.resolve_path(app.text));
            break;
    }
    return {};
}

Result<std::uint32_t> user_id(const UserPattern& user, const Environment& environment) {
    if (auto uid = parse_uid(user.text)) return *uid;
    if (environment.user_id)
        if (auto uid = environment.user_id(user.text)) return *uid;
    return fail("there is no user \"" + user.text + "\" on this system",
                "create the user, correct the name, or give a uid", user.place);
}

template <class T>
void sort_unique(std::vector<T>& values) {
    std::ranges::sort(values);
    const auto rest = std::ranges::unique(values);
    values.erase(rest.begin(), rest.end());
}

}  // namespace

Result<CompiledRule> compile_rule(const Rule& rule, const Environment& environment) {
    CompiledRule compiled;
    compiled.rule = &rule;
    for (const auto& app : rule.apps)
        if (auto done = compile_app(compiled, app, environment); !done)
            return std::unexpected(done.error());
    for (const auto& user : rule.users) {
        auto uid = user_id(user, environment);
        if (!uid) return std::unexpected(uid.error());
        compiled.users.push_back(*uid);
    }
    std::erase(compiled.paths, std::string());
    sort_unique(compiled.paths);
    sort_unique(compiled.users);
    return compiled;
}

Condition first_unmet(const CompiledRule& compiled, const Flow& flow, std::int64_t now,
                      Inputs& inputs) {
    const Rule& rule = *compiled.rule;
    if (!rule.enabled) return Condition::enabled;
    if (rule.direction) {
        inputs.add(Input::direction);
        if (flow.direction != *rule.direction) return Condition::direction;
    }
    if (!rule.protocols.empty()) {
        inputs.add(Input::protocol);
        if (std::ranges::find(rule.protocols, flow.protocol) == rule.protocols.end())
            return Condition::protocol;
    }
    if (!rule.apps.empty() && !meets_app(compiled, flow, inputs)) return Condition::app;
    if (!rule.users.empty() && !meets_user(compiled, flow, inputs)) return Condition::user;
    if (!rule.to.empty() && !meets_to(rule, flow, inputs)) return Condition::to;
    if (!rule.ports.empty() && !meets_port(rule, flow, inputs)) return Condition::port;
    if (!rule.from.empty() && !meets_from(rule, flow, inputs)) return Condition::from;
    if (rule.expires) {
        inputs.add(Input::time);
        if (now >= *rule.expires) return Condition::expires;
    }
    return Condition::none;
}

}  // namespace doorward
