// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/matcher.hpp"

#include <algorithm>
#include <functional>

#include "rules/domain_name.hpp"

namespace doorward {

namespace {

constexpr std::uint32_t bit(Unknown reason) { return 1u << static_cast<unsigned>(reason); }
constexpr std::uint32_t every_reason = ~bit(Unknown::none);

// A path that is not known is no path, least of all any path.
bool is_at(const CompiledRule& compiled, const std::string& path) {
    if (path.empty()) return false;
    return std::ranges::binary_search(compiled.paths, path) ||
           std::ranges::any_of(compiled.globs, [&](const Glob& glob) { return glob.matches(path); });
}

bool meets_app(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::executable);
    if (!flow.process) {
        inputs.add(Input::unknown_reason);
        return compiled.unknown_reasons & bit(flow.unknown);
    }
    return is_at(compiled, flow.process->exe) || is_at(compiled, flow.process->appimage);
}

bool meets_user(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::user);
    return flow.process && std::ranges::binary_search(compiled.users, flow.process->uid);
}

bool meets_group(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::group);
    return flow.process && std::ranges::binary_search(compiled.groups, flow.process->gid);
}

bool any_matches(const PatternSet& patterns, const std::vector<std::string>& texts) {
    return std::ranges::any_of(texts,
                               [&](const std::string& text) { return patterns.matches(text); });
}

Condition unmet_control_group(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    const Rule& rule = *compiled.rule;
    if (rule.units.empty() && rule.slices.empty() && rule.containers.empty())
        return Condition::none;
    inputs.add(Input::control_group);
    const ControlGroup* group = flow.process ? &flow.process->control_group : nullptr;
    if (!rule.units.empty() && !(group && any_matches(compiled.units, group->units)))
        return Condition::unit;
    if (!rule.slices.empty() && !(group && any_matches(compiled.slices, group->slices)))
        return Condition::slice;
    if (!rule.containers.empty() && !(group && compiled.containers.matches(group->container)))
        return Condition::container;
    return Condition::none;
}

bool meets_parent(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::ancestors);
    return flow.process && any_matches(compiled.parents, flow.process->ancestors);
}

bool meets_script(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::script);
    return flow.process && compiled.scripts.matches(flow.process->script);
}

// What the process is beside its executable and its user.
Condition unmet_identity(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    const Rule& rule = *compiled.rule;
    if (!rule.groups.empty() && !meets_group(compiled, flow, inputs)) return Condition::group;
    if (const auto unmet = unmet_control_group(compiled, flow, inputs); unmet != Condition::none)
        return unmet;
    if (!rule.parents.empty() && !meets_parent(compiled, flow, inputs)) return Condition::parent;
    if (!rule.scripts.empty() && !meets_script(compiled, flow, inputs)) return Condition::script;
    return Condition::none;
}

bool meets_package(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::package);
    return flow.process && flow.content && compiled.packages.matches(flow.content->package);
}

bool meets_verity(const Rule& rule, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::verity);
    if (!flow.process || !flow.content || flow.content->verity.empty()) return false;
    return std::ranges::find(rule.verity, flow.content->verity) != rule.verity.end();
}

bool meets_sha256(const Rule& rule, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::sha256);
    if (!flow.process || !flow.content || !flow.content->sha256) return false;
    return std::ranges::find(rule.sha256, *flow.content->sha256) != rule.sha256.end();
}

// What the executable's file is. Without content, nobody has looked: none of it is met.
Condition unmet_content(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    const Rule& rule = *compiled.rule;
    if (!rule.packages.empty() && !meets_package(compiled, flow, inputs)) return Condition::package;
    if (!rule.verity.empty() && !meets_verity(rule, flow, inputs)) return Condition::verity;
    if (!rule.sha256.empty() && !meets_sha256(rule, flow, inputs)) return Condition::sha256;
    return Condition::none;
}

bool within(const std::vector<Prefix>& prefixes, const Address& address) {
    return std::ranges::any_of(prefixes,
                               [&](const Prefix& prefix) { return prefix.contains(address); });
}

// Which end of the flow a rule's `to` or `from` speaks of depends on the direction.
void add_end(Inputs& inputs, const Flow& flow, bool destination, Input remote, Input local) {
    inputs.add(Input::direction);
    inputs.add((flow.direction != Direction::in) == destination ? remote : local);
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

// The other side of an inbound flow was not looked up by anybody.
bool meets_domain(const CompiledRule& compiled, const Flow& flow, Inputs& inputs) {
    inputs.add(Input::direction);
    if (flow.direction != Direction::out) return false;
    inputs.add(Input::domain);
    return std::ranges::any_of(flow.names, [&](std::string_view name) {
        return any_domain_key(name, [&](std::string_view key) {
            return std::ranges::binary_search(compiled.domains, key);
        });
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

Result<std::uint32_t> group_id(const UserPattern& group, const Environment& environment) {
    if (auto gid = parse_uid(group.text)) return *gid;
    if (environment.group_id)
        if (auto gid = environment.group_id(group.text)) return *gid;
    return fail("there is no group \"" + group.text + "\" on this system",
                "create the group, correct the name, or give a gid", group.place);
}

template <class T>
void sort_unique(std::vector<T>& values) {
    std::ranges::sort(values);
    const auto rest = std::ranges::unique(values);
    values.erase(rest.begin(), rest.end());
}

Result<void> compile_patterns(PatternSet& compiled, const std::vector<Pattern>& patterns,
                              std::string_view key,
                              const std::function<std::string(const std::string&)>& resolve = {}) {
    for (const auto& pattern : patterns)
        if (auto done = compiled.add(pattern, key, resolve); !done) return done;
    compiled.finish();
    return {};
}

Result<void> compile_identity(CompiledRule& compiled, const Environment& environment) {
    const Rule& rule = *compiled.rule;
    for (const auto& user : rule.users) {
        auto uid = user_id(user, environment);
        if (!uid) return std::unexpected(uid.error());
        compiled.users.push_back(*uid);
    }
    for (const auto& group : rule.groups) {
        auto gid = group_id(group, environment);
        if (!gid) return std::unexpected(gid.error());
        compiled.groups.push_back(*gid);
    }
    sort_unique(compiled.users);
    sort_unique(compiled.groups);
    const auto& resolve = environment.resolve_path;
    auto done = compile_patterns(compiled.parents, rule.parents, "parent", resolve);
    if (done) done = compile_patterns(compiled.scripts, rule.scripts, "script", resolve);
    if (done) done = compile_patterns(compiled.units, rule.units, "unit");
    if (done) done = compile_patterns(compiled.slices, rule.slices, "slice");
    if (done) done = compile_patterns(compiled.containers, rule.containers, "container");
    if (done) done = compile_patterns(compiled.packages, rule.packages, "package");
    return done;
}

}  // namespace

Result<CompiledRule> compile_rule(const Rule& rule, const Environment& environment) {
    CompiledRule compiled;
    compiled.rule = &rule;
    for (const auto& app : rule.apps)
        if (auto done = compile_app(compiled, app, environment); !done)
            return std::unexpected(done.error());
    if (auto done = compile_identity(compiled, environment); !done)
        return std::unexpected(done.error());
    for (const auto& domain : rule.domains) compiled.domains.emplace_back(domain_key(domain.text));
    std::erase(compiled.paths, std::string());
    sort_unique(compiled.paths);
    sort_unique(compiled.domains);
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
    if (const auto unmet = unmet_identity(compiled, flow, inputs); unmet != Condition::none)
        return unmet;
    if (!rule.domains.empty() && !meets_domain(compiled, flow, inputs)) return Condition::domain;
    if (!rule.from.empty() && !meets_from(rule, flow, inputs)) return Condition::from;
    if (const auto unmet = unmet_content(compiled, flow, inputs); unmet != Condition::none)
        return unmet;
    if (rule.expires) {
        inputs.add(Input::time);
        if (now >= *rule.expires) return Condition::expires;
    }
    return Condition::none;
}

}  // namespace doorward
