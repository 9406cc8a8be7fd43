// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/suggest.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rules/glob.hpp"
#include "rules/time_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

constexpr std::size_t few = 8;

// A path as a rule says it: special characters stand for themselves.
std::string escaped(std::string_view path) {
    if (!Glob::is_pattern(path)) return std::string(path);
    std::string out;
    for (const char c : path) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

// "a.b.example.org" → "*.b.example.org". What nobody owns alone is above no name: example.org keeps its
// own, and so does example.co.uk.
std::string domain_above(const std::string& name) {
    const auto dot = name.find('.');
    if (dot == name.npos) return name;
    const std::string_view above = std::string_view(name).substr(dot + 1);
    const auto inner = above.find('.');
    if (inner == above.npos) return name;
    const bool of_a_country = above.size() - inner == 3 && inner <= 3;
    if (of_a_country) return name;
    return fmt::format("*.{}", above);
}

std::string network_around(const std::string& address) {
    const auto parsed = Address::parse(address);
    if (!parsed) return address;
    return Prefix::around(*parsed, parsed->is_v4() ? 120 : 64).to_string();
}

std::string last_part(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

// A name that any rule may have, made of what a program is called.
std::string name_from(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_' || c == '.';
        out += plain ? c : '-';
    }
    return out.substr(0, 60);
}

// How the values of one condition are written, and whether that is more than was seen.
struct Values {
    std::vector<std::string> texts;  // empty: any
    std::string widened;
    auto operator<=>(const Values&) const = default;
};

}  // namespace

void Suggestions::Seen::add(const Observed& flow) {
    since = flows == 0 ? flow.time : std::min(since, flow.time);
    until = flows == 0 ? flow.time : std::max(until, flow.time);
    flows += flow.count;
}

void Suggestions::Seen::add(const Seen& other) {
    since = flows == 0 ? other.since : std::min(since, other.since);
    until = flows == 0 ? other.until : std::max(until, other.until);
    flows += other.flows;
}

bool Suggestions::add(const Observed& flow) {
    const auto& app = condition_info(Condition::app);
    const auto& script = condition_info(Condition::script);
    const bool can_be_named = flow.app.starts_with('/') && app.canonical(escaped(flow.app)) &&
                              (flow.script.empty() || script.canonical(escaped(flow.script)));
    if (!can_be_named || groups_ >= most_groups) {
        left_out_ += flow.count;
        return false;
    }
    Services& services = seen_[{flow.app, flow.script, flow.user, flow.direction}];
    Service& service = services[{flow.protocol, flow.port}];
    Ends& ends = flow.name.empty() ? service.bare : service.named;
    const auto [at, fresh] = ends.try_emplace(flow.name.empty() ? flow.other.to_string() : flow.name);
    at->second.add(flow);
    groups_ += fresh;
    return true;
}

// Flows that differ in nothing that matters.
struct Suggestions::Part {
    std::set<std::string> users;
    std::set<Protocol> protocols;
    Values ports, names, addresses;
    Seen seen;
    std::size_t destinations = 0;
};

// The proposals of one program, as one user, in one direction.
class Suggestions::Maker {
public:
    explicit Maker(const Who& who) : who_(who) {}

    std::vector<Part> make(const Services& services) {
        std::map<Protocol, Services> by_protocol;
        for (const auto& [key, service] : services) by_protocol[key.first][key] = service;
        for (const auto& [protocol, ones] : by_protocol) add_protocol(protocol, ones);
        merge(parts_);
        return std::move(parts_);
    }

    // What is alike in all but one of users, protocols and ports becomes one.
    static void merge(std::vector<Part>& parts) {
        for (bool again = true; again;) {
            again = false;
            for (std::size_t i = 0; i < parts.size() && !again; ++i)
                for (std::size_t j = i + 1; j < parts.size() && !again; ++j)
                    if (join(parts[i], parts[j])) {
                        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(j));
                        again = true;
                    }
        }
    }

private:
    static bool join(Part& a, const Part& b) {
        if (a.names != b.names || a.addresses != b.addresses) return false;
        const bool users = a.users == b.users, protocols = a.protocols == b.protocols,
                   ports = a.ports == b.ports;
        if (users + protocols + ports < 2) return false;
        // Of protocols with ports and such without, no one rule speaks.
        if (!protocols && a.ports.texts.empty() != b.ports.texts.empty()) return false;
        if (!ports && (a.ports.texts.empty() || b.ports.texts.empty() ||
                       a.ports.texts.size() + b.ports.texts.size() > most_values))
            return false;
        a.users.insert(b.users.begin(), b.users.end());
        a.protocols.insert(b.protocols.begin(), b.protocols.end());
        if (!ports) a.ports.texts.insert(a.ports.texts.end(), b.ports.texts.begin(), b.ports.texts.end());
        a.seen.add(b.seen);
        a.destinations = std::max(a.destinations, b.destinations);
        return true;
    }

    // Whether more than one flow in twenty would bring a value that is not in the list.
    static bool open_ended(const std::map<std::string, Seen>& values) {
        if (values.size() < few) return false;
        std::uint64_t flows = 0, once = 0;
        for (const auto& [value, seen] : values) {
            flows += seen.flows;
            once += seen.flows == 1;
        }
        return values.size() > most_values || once * 20 > flows;
    }

    // As they are, else as `wider` says them, else any.
    static Values listed(const Ends& ends, std::string (*wider)(const std::string&), const char* what) {
        Ends shown = ends;
        std::string widened;
        if (open_ended(shown)) {
            widened = fmt::format("{} {}", ends.size(), what);
            Ends wide;
            for (const auto& [value, seen] : ends) wide[wider(value)].add(seen);
            shown = std::move(wide);
            if (open_ended(shown)) shown.clear();
        }
        Values values{{}, widened};
        for (const auto& [value, seen] : shown) values.texts.push_back(value);
        return values;
    }

    void add_protocol(Protocol protocol, const Services& services) {
        std::map<std::string, Seen> ports;
        for (const auto& [key, service] : services)
            for (const Ends* ends : {&service.named, &service.bare})
                for (const auto& [end, seen] : *ends) ports[std::to_string(key.second)].add(seen);
        if (!has_ports(protocol)) return add_parts(protocol, {}, all_of(services));
        if (!open_ended(ports)) {
            for (const auto& [key, service] : services)
                add_parts(protocol, {{std::to_string(key.second)}, {}}, service);
            return;
        }
        const bool high = services.begin()->first.second >= 1024;
        Values any{{high ? "1024-65535" : "0-65535"}, fmt::format("{} ports", ports.size())};
        add_parts(protocol, any, all_of(services));
    }

    static Service all_of(const Services& services) {
        Service all;
        for (const auto& [key, service] : services) {
            for (const auto& [end, seen] : service.named) all.named[end].add(seen);
            for (const auto& [end, seen] : service.bare) all.bare[end].add(seen);
        }
        return all;
    }

    void add_parts(Protocol protocol, const Values& ports, const Service& service) {
        Part part;
        part.users.insert(std::get<2>(who_));
        part.protocols.insert(protocol);
        part.ports = ports;
        Values names = listed(service.named, domain_above, "names");
        Values addresses = listed(service.bare, network_around, "addresses");
        const bool any = (!service.named.empty() && names.texts.empty()) ||
                         (!service.bare.empty() && addresses.texts.empty());
        const auto put = [&](const Ends& ends) {
            for (const auto& [end, seen] : ends) part.seen.add(seen);
            part.destinations += ends.size();
        };
        if (any) {
            put(service.named);
            put(service.bare);
            part.names.widened = names.widened;
            part.addresses.widened = addresses.widened;
            return parts_.push_back(std::move(part));
        }
        Part bare = part;
        std::swap(part, bare);
        if (!service.named.empty()) {
            put(service.named);
            part.names = std::move(names);
            parts_.push_back(std::exchange(part, bare));
        }
        if (service.bare.empty()) return;
        put(service.bare);
        part.addresses = std::move(addresses);
        parts_.push_back(std::move(part));
    }

    const Who& who_;
    std::vector<Part> parts_;
};

namespace {

// False if one can't be said in a rule: without it the rule would be broader than what was seen.
bool add_values(Rule& rule, Condition condition, const std::vector<std::string>& texts) {
    std::vector<std::string> canonical;
    for (const std::string& text : texts) {
        auto value = condition_info(condition).canonical(text);
        if (!value) return false;
        canonical.push_back(std::move(*value));
    }
    if (!canonical.empty()) rule.add(condition, std::move(canonical));
    return true;
}

}  // namespace

std::optional<Proposal> Suggestions::proposal_of(const Program& program, const Part& part) {
    const auto& [app, script, direction] = program;
    const bool inbound = direction == Direction::in;
    Proposal proposal{{}, part.seen.flows, part.destinations, part.seen.since, part.seen.until, {}};
    Rule& rule = proposal.rule;
    rule.name = "suggest-" + name_from(last_part(script.empty() ? app : script));
    rule.action = Action::accept;
    std::vector<std::string> protocols;
    for (const Protocol each : part.protocols) protocols.push_back(protocol_name(each));
    const bool whole =
        add_values(rule, Condition::direction, {std::string(direction_name(direction))}) &&
        add_values(rule, Condition::protocol, protocols) &&
        add_values(rule, Condition::app, {escaped(app)}) &&
        add_values(rule, Condition::user, {part.users.begin(), part.users.end()}) &&
        add_values(rule, inbound ? Condition::from : Condition::to, part.addresses.texts) &&
        add_values(rule, Condition::port, part.ports.texts) &&
        (script.empty() || add_values(rule, Condition::script, {escaped(script)})) &&
        add_values(rule, Condition::domain, part.names.texts);
    if (!whole) return std::nullopt;
    for (const Values* values : {&part.ports, &part.names, &part.addresses})
        if (!values->widened.empty()) proposal.widened.push_back(values->widened);
    return proposal;
}

std::vector<Proposal> Suggestions::proposals() const {
    // Users are joined over what the program does: so they are not part of this key.
    std::map<Program, std::vector<Part>> programs;
    for (const auto& [who, services] : seen_) {
        auto parts = Maker(who).make(services);
        auto& all = programs[{std::get<0>(who), std::get<1>(who), std::get<3>(who)}];
        std::ranges::move(parts, std::back_inserter(all));
    }
    std::vector<Proposal> out;
    for (auto& [program, parts] : programs) {
        Maker::merge(parts);
        for (const Part& part : parts)
            if (auto proposal = proposal_of(program, part)) out.push_back(std::move(*proposal));
    }
    std::ranges::sort(out, [](const Proposal& a, const Proposal& b) {
        return a.flows != b.flows ? a.flows > b.flows : format_rule(a.rule) < format_rule(b.rule);
    });
    std::map<std::string, std::size_t> names;
    for (Proposal& proposal : out)
        if (const std::size_t number = ++names[proposal.rule.name]; number > 1)
            proposal.rule.name += fmt::format("_{}", number);
    return out;
}

std::string format_proposal(const Proposal& proposal) {
    std::string out = fmt::format("# {} flow{}, {} {}, {} to {}\n", proposal.flows,
                                  proposal.flows == 1 ? "" : "s", proposal.destinations,
                                  proposal.destinations == 1 ? "other end" : "other ends",
                                  format_time(proposal.since), format_time(proposal.until));
    for (const std::string& each : proposal.widened)
        out += fmt::format("# more than was seen: there were {}, and new ones came all the time\n", each);
    return out + format_rule(proposal.rule);
}

}  // namespace doorward
