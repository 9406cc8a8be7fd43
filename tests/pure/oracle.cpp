// SPDX-License-Identifier: GPL-2.0-or-later
#include "oracle.hpp"

#include "rules/condition_text.hpp"
#include "rules/week_time.hpp"

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

using Texts = std::vector<std::string>;

bool is_pattern(const std::string& text) {
    return text.find_first_of("*?[") != std::string::npos;
}

bool of_user(const std::string& name) { return name.substr(0, 5) == "user:"; }

Answer answer(bool holds) { return holds ? Answer::yes : Answer::no; }

// With sets taken apart into what they are made of.
Texts values_of(const Term& term, const World& world) {
    Texts open, out;
    for (const auto& value : term.values) open.push_back(value.text);
    while (!open.empty()) {
        const std::string text = open.back();
        open.pop_back();
        bool named = false;
        for (const auto& set : world.sets)
            if (text == "set:" + set.name) {
                named = true;
                for (const auto& value : set.values) open.push_back(value.text);
            }
        if (!named) out.push_back(text);
    }
    return out;
}

bool same_text(const Texts& values, const std::string& text, const World& world, bool path) {
    if (text == "") return false;
    for (const auto& value : values) {
        if (is_pattern(value)) {
            if (of_user(value) == of_user(text) && glob_matches(value, text)) return true;
            continue;
        }
        if (value == text) return true;
        if (path && world.environment.resolve_path(value) == text) return true;
    }
    return false;
}

Answer program(const Texts& values, const Flow& flow, const World& world) {
    Texts programs;
    for (const auto& value : values) {
        if (value.substr(0, 7) != "unknown") programs.push_back(value);
        else if (flow.process == nullptr)
            if (value == "unknown" || value == "unknown:" + std::string(unknown_name(flow.unknown)))
                return Answer::yes;
    }
    if (programs.empty()) return Answer::no;
    if (flow.process == nullptr) return Answer::neither;
    for (const auto& path : {flow.process->exe, flow.process->appimage})
        if (same_text(programs, path, world, true)) return Answer::yes;
    return flow.process->exe == "" ? Answer::neither : Answer::no;
}

Answer id(const Texts& values, const Flow& flow, bool user, const World& world) {
    if (flow.process == nullptr) return Answer::neither;
    const auto own = user ? flow.process->uid : flow.process->gid;
    const auto& known = user ? world.environment.user_id : world.environment.group_id;
    for (const auto& value : values)
        if (value == std::to_string(own) || known(value) == own) return Answer::yes;
    return Answer::no;
}

Answer injected(const Texts& values, const Flow& flow) {
    if (flow.process == nullptr) return Answer::neither;
    const auto asks = [&](const char* word) {
        return std::ranges::find(values, word) != values.end() || std::ranges::find(values, "any") != values.end();
    };
    const auto& [found, unknown] = flow.process->injected;
    const bool filter = std::ranges::find(values, "filter") != values.end();
    const bool bits[] = {asks("preload"), asks("library-path"), asks("tracer"), filter};
    bool open = false;
    for (int bit = 0; bit < 4; ++bit) {
        if (bits[bit] && found >> bit & 1) return Answer::yes;
        if (bits[bit] && unknown >> bit & 1) open = true;
    }
    return open ? Answer::neither : Answer::no;
}

Answer control_group(Condition condition, const Texts& values, const Flow& flow,
                     const World& world) {
    if (flow.process == nullptr) return Answer::neither;
    const auto& group = flow.process->control_group;
    if (group == ControlGroup{}) return Answer::neither;
    Texts names = condition == Condition::unit ? group.units : group.slices;
    if (condition == Condition::container) names = {group.container};
    for (const auto& name : names)
        if (same_text(values, name, world, false)) return Answer::yes;
    return Answer::no;
}

Answer parent(const Texts& values, const Flow& flow, const World& world) {
    if (flow.process == nullptr) return Answer::neither;
    for (const auto& path : flow.process->ancestors)
        if (same_text(values, path, world, true)) return Answer::yes;
    return flow.process->ancestors_whole ? Answer::no : Answer::neither;
}

Answer script(const Texts& values, const Flow& flow, const World& world) {
    if (flow.process == nullptr || flow.process->script.substr(0, 8) == "unknown:")
        return Answer::neither;
    return answer(same_text(values, flow.process->script, world, true));
}

// `asked` says who looked; with it, and without a reason why not, what is empty is known to be empty.
Answer file(Condition condition, const Texts& values, const Flow& flow, const World& world) {
    if (flow.process == nullptr || flow.content == nullptr) return Answer::neither;
    const auto& content = *flow.content;
    if (condition == Condition::sha256) {
        if (!content.sha256.has_value()) return Answer::neither;
        for (const auto& digest : values)
            if (to_hex(*content.sha256) == digest) return Answer::yes;
        return Answer::no;
    }
    const bool verity = condition == Condition::verity;
    if (same_text(values, verity ? content.verity : content.package, world, false))
        return Answer::yes;
    const bool looked = content.asked.has(verity ? Fact::verity : Fact::package);
    return looked && content.missing == NoContent::none ? Answer::no : Answer::neither;
}

bool is_v4(const Address& address) { return address.to_string().contains('.'); }

bool inside(const Prefix& prefix, const Address& address) {
    bool equal = is_v4(prefix.base) == is_v4(address);
    for (std::size_t bit = 0; bit < prefix.length; ++bit) {
        const auto mask = 1 << (7 - bit % 8);
        if ((prefix.base.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) equal = false;
    }
    return equal;
}

bool inside(std::string_view prefix, const Address& address) {
    return inside(Prefix::parse(prefix).value(), address);
}

Answer word(const std::string& text, const Address& address, const Network* network) {
    const auto any = [&](std::initializer_list<std::string_view> prefixes) {
        bool found = false;
        for (const auto prefix : prefixes) found = found || inside(prefix, address);
        return found;
    };
    if (text == "loopback") return answer(any({"127.0.0.0/8", "::1/128"}));
    if (text == "multicast") return answer(any({"224.0.0.0/4", "ff00::/8"}));
    if (text == "private")
        return answer(any({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                           "fc00::/7", "169.254.0.0/16", "fe80::/10"}));
    if (text == "lan" && any({"169.254.0.0/16", "fe80::/10", "255.255.255.255/32"}))
        return Answer::yes;
    if (text == "self" && any({"127.0.0.0/8", "::1/128"})) return Answer::yes;
    if (network == nullptr) return Answer::neither;
    bool found = false;
    if (text == "lan")
        for (const auto& prefix : network->lan) found = found || inside(prefix, address);
    for (const auto& own : text == "self" ? network->self : network->dns)
        found = found || (text != "lan" && own == address);
    return answer(found);
}

Answer address(const Texts& values, const Address& address, const Network* network) {
    Answer found = Answer::no;
    for (const auto& value : values) {
        const bool prefix = value.find_first_of(".:") != std::string::npos;
        const Answer one = prefix ? answer(inside(value, address)) : word(value, address, network);
        if (one == Answer::yes) return one;
        if (one == Answer::neither) found = one;
    }
    return found;
}

Answer name(const Texts& values, const Flow& flow) {
    if (flow.direction != Direction::out || flow.names.empty()) return Answer::neither;
    for (const auto& domain : values)
        for (const std::string_view name : flow.names) {
            if (domain == name) return Answer::yes;
            if (domain[0] == '*' && name.size() >= domain.size() &&
                name.ends_with(domain.substr(1)))
                return Answer::yes;
        }
    return Answer::no;
}

Answer port(const Texts& values, const Flow& flow) {
    const int number = static_cast<int>(flow.protocol);
    if (number != 6 && number != 17 && number != 132 && number != 136) return Answer::neither;
    const int port = flow.direction == Direction::in ? flow.local_port : flow.remote_port;
    for (const auto& value : values) {
        const auto range = parse_ports(value).value();
        for (int candidate = range.first; candidate <= range.last; ++candidate)
            if (candidate == port) return Answer::yes;
    }
    return Answer::no;
}

bool in_force(const ProfileDefinition& profile, const Network& network) {
    bool gateway = profile.gateways.empty(), mac = profile.gateway_macs.empty();
    bool interface = profile.interfaces.empty(), domain = profile.domains.empty();
    for (const auto& each : network.gateways) {
        for (const auto& text : profile.gateways) gateway |= each.address.to_string() == text;
        for (const auto& text : profile.gateway_macs) mac |= each.mac == text;
    }
    for (const auto& each : network.interfaces)
        for (const auto& text : profile.interfaces) interface |= glob_matches(text, each);
    for (const auto& each : network.domains)
        for (const auto& text : profile.domains) domain |= each == text;
    return gateway && mac && interface && domain;
}

Answer profile(const Texts& values, const Surroundings& around, const World& world) {
    if (around.network == nullptr) return Answer::neither;
    for (const auto& value : values)
        for (const auto& profile : world.profiles)
            if (profile.name == value && in_force(profile, *around.network)) return Answer::yes;
    return Answer::no;
}

Answer when(const Texts& values, const Surroundings& around) {
    if (around.minute_of_week == Surroundings::no_minute) return Answer::neither;
    for (const auto& value : values)
        if (WeekTime::parse(value).value().contains(around.minute_of_week)) return Answer::yes;
    return Answer::no;
}

bool listed(const Texts& values, const std::string& text) {
    for (const auto& value : values)
        if (value == text) return true;
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

Answer has(const Term& term, const Flow& flow, const Surroundings& around, const World& world) {
    const Texts values = values_of(term, world);
    const bool in = flow.direction == Direction::in;
    switch (term.condition) {
        case Condition::direction:
            return answer(listed(values, std::string(direction_name(flow.direction))));
        case Condition::protocol: return answer(listed(values, protocol_name(flow.protocol)));
        case Condition::app: return program(values, flow, world);
        case Condition::user: return id(values, flow, true, world);
        case Condition::group: return id(values, flow, false, world);
        case Condition::injected: return injected(values, flow);
        case Condition::unit:
        case Condition::slice:
        case Condition::container: return control_group(term.condition, values, flow, world);
        case Condition::parent: return parent(values, flow, world);
        case Condition::script: return script(values, flow, world);
        case Condition::package:
        case Condition::verity:
        case Condition::sha256: return file(term.condition, values, flow, world);
        case Condition::to: return address(values, in ? flow.local : flow.remote, around.network);
        case Condition::from: return address(values, in ? flow.remote : flow.local, around.network);
        case Condition::domain: return name(values, flow);
        case Condition::port: return port(values, flow);
        case Condition::interface:
            if (flow.interface.empty()) return Answer::neither;
            return answer(same_text(values, std::string(flow.interface), world, false));
        case Condition::profile: return profile(values, around, world);
        case Condition::when: return when(values, around);
        case Condition::none:
        case Condition::enabled:
        case Condition::expires: break;
    }
    return Answer::neither;
}

bool holds(const Rule& rule, Condition condition, bool negated, const Flow& flow,
           const Surroundings& around, const World& world) {
    if (condition == Condition::enabled) return rule.enabled;
    if (condition == Condition::expires) return !rule.expires || around.now < *rule.expires;
    bool all = true;
    for (const auto& term : rule.terms)
        if (term.condition == condition && term.negated == negated)
            if (has(term, flow, around, world) != (negated ? Answer::no : Answer::yes)) all = false;
    return all;
}

Verdict decide(const std::vector<Rule>& rules, const Defaults& defaults, const Flow& flow,
               const Surroundings& around, const World& world) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        bool all = rules[i].enabled;
        for (const auto& term : rules[i].terms)
            if (has(term, flow, around, world) != (term.negated ? Answer::no : Answer::yes))
                all = false;
        if (rules[i].expires && around.now >= *rules[i].expires) all = false;
        if (all) return {rules[i].action, i};
    }
    return {flow.direction == Direction::out  ? defaults.out
            : flow.direction == Direction::in ? defaults.in
                                              : defaults.forward,
            std::nullopt};
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
