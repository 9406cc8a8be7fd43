// SPDX-License-Identifier: GPL-2.0-or-later
#include "oracle.hpp"

#include "rules/glob.hpp"

namespace doorward::oracle {

namespace {

// How many bytes of `pattern` the set at its front takes; its verdict on `c` goes to `inside`.
std::size_t read_set(std::string_view pattern, char c, bool& inside) {
    std::size_t i = 1;
    const bool negated = pattern[i] == '!';
    if (negated) ++i;
    inside = false;
    for (bool first = true; first || pattern[i] != ']'; first = false) {
        char low = pattern[i], high = pattern[i];
        if (pattern[i + 1] == '-' && pattern[i + 2] != ']') {
            high = pattern[i + 2];
            i += 2;
        }
        ++i;
        if (low <= c && c <= high) inside = true;
    }
    inside = inside != negated;
    if (c == '/') inside = false;
    return i + 1;
}

bool same_program(const Rule& rule, const Flow& flow, const Environment& environment) {
    for (const auto& app : rule.apps) {
        if (app.kind == AppPattern::Kind::unknown) {
            if (flow.process == nullptr)
                if (!app.reason || *app.reason == flow.unknown) return true;
            continue;
        }
        if (flow.process == nullptr) continue;
        for (const std::string& path : {flow.process->exe, flow.process->appimage}) {
            if (path == "") continue;
            if (app.kind == AppPattern::Kind::glob && glob_matches(app.text, path)) return true;
            if (app.kind == AppPattern::Kind::path)
                if (path == app.text || path == environment.resolve_path(app.text)) return true;
        }
    }
    return false;
}

bool same_user(const Rule& rule, const Flow& flow, const Environment& environment) {
    if (flow.process == nullptr) return false;
    for (const auto& user : rule.users) {
        if (user.text == std::to_string(flow.process->uid)) return true;
        if (environment.user_id(user.text) == flow.process->uid) return true;
    }
    return false;
}

bool same_group(const Rule& rule, const Flow& flow, const Environment& environment) {
    if (flow.process == nullptr) return false;
    for (const auto& group : rule.groups) {
        if (group.text == std::to_string(flow.process->gid)) return true;
        if (environment.group_id(group.text) == flow.process->gid) return true;
    }
    return false;
}

bool of_user(const std::string& name) { return name.substr(0, 5) == "user:"; }

bool one_of(const std::vector<Pattern>& patterns, const std::vector<std::string>& names) {
    for (const auto& pattern : patterns)
        for (const auto& name : names) {
            if (name == "") continue;
            if (!pattern.glob && pattern.text == name) return true;
            if (pattern.glob && of_user(pattern.text) == of_user(name) &&
                glob_matches(pattern.text, name))
                return true;
        }
    return false;
}

bool one_of_paths(const std::vector<Pattern>& patterns, const std::vector<std::string>& paths,
                  const Environment& environment) {
    for (const auto& pattern : patterns)
        for (const auto& path : paths)
            if (!pattern.glob && path != "" && path == environment.resolve_path(pattern.text))
                return true;
    return one_of(patterns, paths);
}

// `asked` of the content says who looked, not what is known: a fact is known if it is there.
bool same_file(const Rule& rule, Condition condition, const Flow& flow) {
    if (flow.process == nullptr || flow.content == nullptr) return false;
    if (condition == Condition::sha256) {
        for (const auto& digest : rule.sha256)
            if (flow.content->sha256.has_value() && to_hex(*flow.content->sha256) == to_hex(digest))
                return true;
    } else if (condition == Condition::verity) {
        for (const auto& digest : rule.verity)
            if (flow.content->verity == digest) return true;
    } else {
        for (const auto& package : rule.packages)
            if (flow.content->package != "" && glob_matches(package.text, flow.content->package))
                return true;
    }
    return false;
}

bool is_v4(const Address& address) { return address.to_string().contains('.'); }

bool inside(const std::vector<Prefix>& prefixes, const Address& address) {
    for (const auto& prefix : prefixes) {
        bool equal = is_v4(prefix.base) == is_v4(address);
        for (std::size_t bit = 0; bit < prefix.length; ++bit) {
            const auto mask = 1 << (7 - bit % 8);
            if ((prefix.base.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask))
                equal = false;
        }
        if (equal) return true;
    }
    return false;
}

bool same_name(const Rule& rule, const Flow& flow) {
    if (flow.direction != Direction::out) return false;
    for (const auto& domain : rule.domains)
        for (const std::string_view name : flow.names) {
            if (domain.text == name) return true;
            if (domain.text[0] == '*' && name.size() >= domain.text.size() &&
                name.ends_with(domain.text.substr(1)))
                return true;
        }
    return false;
}

bool same_port(const Rule& rule, const Flow& flow) {
    const int number = static_cast<int>(flow.protocol);
    if (number != 6 && number != 17 && number != 132 && number != 136) return false;
    const int port = flow.direction == Direction::out ? flow.remote_port : flow.local_port;
    for (const auto& range : rule.ports)
        for (int candidate = range.first; candidate <= range.last; ++candidate)
            if (candidate == port) return true;
    return false;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern.starts_with("/**/")) {
        // The '/' and then the rest at the beginning of any component.
        if (!text.starts_with('/')) return false;
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == '/')
                if (glob_matches(std::string("/").append(pattern.substr(4)), text.substr(i)))
                    return true;
        return false;
    }
    if (pattern.starts_with("**")) {
        for (std::size_t i = 0; i <= text.size(); ++i)
            if (glob_matches(pattern.substr(2), text.substr(i))) return true;
        return false;
    }
    if (pattern[0] == '*') {
        for (std::size_t i = 0; i <= text.size(); ++i) {
            if (glob_matches(pattern.substr(1), text.substr(i))) return true;
            if (i < text.size() && text[i] == '/') return false;
        }
        return false;
    }
    if (text.empty()) return false;
    if (pattern[0] == '?') return text[0] != '/' && glob_matches(pattern.substr(1), text.substr(1));
    if (pattern[0] == '[') {
        bool inside_set = false;
        const auto length = read_set(pattern, text[0], inside_set);
        return inside_set && glob_matches(pattern.substr(length), text.substr(1));
    }
    if (pattern[0] == '\\') pattern.remove_prefix(1);
    return pattern[0] == text[0] && glob_matches(pattern.substr(1), text.substr(1));
}

bool holds(const Rule& rule, Condition condition, const Flow& flow, std::int64_t now,
           const Environment& environment) {
    switch (condition) {
        case Condition::none: return true;
        case Condition::enabled: return rule.enabled;
        case Condition::expires: return !rule.expires || now < *rule.expires;
        case Condition::direction: return !rule.direction || flow.direction == *rule.direction;
        case Condition::protocol:
            for (const auto protocol : rule.protocols)
                if (protocol == flow.protocol) return true;
            return rule.protocols.empty();
        case Condition::app: return rule.apps.empty() || same_program(rule, flow, environment);
        case Condition::user: return rule.users.empty() || same_user(rule, flow, environment);
        case Condition::group: return rule.groups.empty() || same_group(rule, flow, environment);
        case Condition::unit:
            return rule.units.empty() ||
                   (flow.process && one_of(rule.units, flow.process->control_group.units));
        case Condition::slice:
            return rule.slices.empty() ||
                   (flow.process && one_of(rule.slices, flow.process->control_group.slices));
        case Condition::container:
            return rule.containers.empty() ||
                   (flow.process &&
                    one_of(rule.containers, {flow.process->control_group.container}));
        case Condition::parent:
            return rule.parents.empty() ||
                   (flow.process &&
                    one_of_paths(rule.parents, flow.process->ancestors, environment));
        case Condition::script:
            return rule.scripts.empty() ||
                   (flow.process &&
                    one_of_paths(rule.scripts, {flow.process->script}, environment));
        case Condition::package:
            return rule.packages.empty() || same_file(rule, condition, flow);
        case Condition::verity: return rule.verity.empty() || same_file(rule, condition, flow);
        case Condition::sha256: return rule.sha256.empty() || same_file(rule, condition, flow);
        case Condition::to:
            return rule.to.empty() ||
                   inside(rule.to, flow.direction == Direction::out ? flow.remote : flow.local);
        case Condition::from:
            return rule.from.empty() ||
                   inside(rule.from, flow.direction == Direction::out ? flow.local : flow.remote);
        case Condition::domain: return rule.domains.empty() || same_name(rule, flow);
        case Condition::port: return rule.ports.empty() || same_port(rule, flow);
    }
    return false;
}

Verdict decide(const std::vector<Rule>& rules, const Defaults& defaults, const Flow& flow,
               std::int64_t now, const Environment& environment) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        bool all = true;
        for (const auto condition :
             {Condition::sha256, Condition::verity, Condition::package, Condition::expires,
              Condition::from, Condition::domain, Condition::port, Condition::to, Condition::user,
              Condition::script, Condition::parent, Condition::container, Condition::slice,
              Condition::unit, Condition::group, Condition::app, Condition::protocol,
              Condition::direction, Condition::enabled})
            if (!holds(rules[i], condition, flow, now, environment)) all = false;
        if (all) return {rules[i].action, i};
    }
    return {flow.direction == Direction::out ? defaults.out : defaults.in, std::nullopt};
}

Environment test_environment() {
    return {
        [](std::string_view name) -> std::optional<std::uint32_t> {
            if (name == "root") return 0;
            if (name == "alice") return 1000;
            if (name == "bob") return 1001;
            return std::nullopt;
        },
        [](const std::string& path) -> std::string {
            if (path == "/usr/bin/python3") return "/usr/bin/python3.11";
            if (path == "/bin/curl") return "/usr/bin/curl";
            return path;
        },
        [](std::string_view name) -> std::optional<std::uint32_t> {
            if (name == "wheel") return 10;
            if (name == "users") return 100;
            return std::nullopt;
        },
    };
}

}  // namespace doorward::oracle
