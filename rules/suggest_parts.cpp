// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/suggest_parts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rules/rule.hpp"

namespace doorward {

namespace {

using Ends = SeenService::Ends;

constexpr std::size_t few = 8;

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

// What is alike in all but one of users, protocols and ports becomes one.
bool join(SuggestedPart& a, const SuggestedPart& b) {
    if (a.names != b.names || a.addresses != b.addresses) return false;
    const bool users = a.users == b.users, protocols = a.protocols == b.protocols,
               ports = a.ports == b.ports;
    if (users + protocols + ports < 2) return false;
    // Of protocols with ports and such without, no one rule speaks.
    if (!protocols && a.ports.texts.empty() != b.ports.texts.empty()) return false;
    if (!ports && (a.ports.texts.empty() || b.ports.texts.empty() ||
                   a.ports.texts.size() + b.ports.texts.size() > most_suggested_values))
        return false;
    a.users.insert(b.users.begin(), b.users.end());
    a.protocols.insert(b.protocols.begin(), b.protocols.end());
    if (!ports) a.ports.texts.insert(a.ports.texts.end(), b.ports.texts.begin(), b.ports.texts.end());
    a.seen.add(b.seen);
    a.destinations = std::max(a.destinations, b.destinations);
    return true;
}

class Maker {
public:
    explicit Maker(const std::string& user) : user_(user) {}

    std::vector<SuggestedPart> make(const SeenServices& services) {
        std::map<Protocol, SeenServices> by_protocol;
        for (const auto& [key, service] : services) by_protocol[key.first][key] = service;
        for (const auto& [protocol, ones] : by_protocol) add_protocol(protocol, ones);
        merge_parts(parts_);
        return std::move(parts_);
    }

private:
    // Whether more than one flow in twenty would bring a value that is not in the list.
    static bool open_ended(const std::map<std::string, SeenFlows>& values) {
        if (values.size() < few) return false;
        std::uint64_t flows = 0, once = 0;
        for (const auto& [value, seen] : values) {
            flows += seen.flows;
            once += seen.flows == 1;
        }
        return values.size() > most_suggested_values || once * 20 > flows;
    }

    // As they are, else as `wider` says them, else any.
    static SuggestedValues listed(const Ends& ends, std::string (*wider)(const std::string&), const char* what) {
        Ends shown = ends;
        std::string widened;
        if (open_ended(shown)) {
            widened = fmt::format("{} {}", ends.size(), what);
            Ends wide;
            for (const auto& [value, seen] : ends) wide[wider(value)].add(seen);
            shown = std::move(wide);
            if (open_ended(shown)) shown.clear();
        }
        SuggestedValues values{{}, widened};
        for (const auto& [value, seen] : shown) values.texts.push_back(value);
        return values;
    }

    void add_protocol(Protocol protocol, const SeenServices& services) {
        std::map<std::string, SeenFlows> ports;
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
        SuggestedValues any{{high ? "1024-65535" : "0-65535"}, fmt::format("{} ports", ports.size())};
        add_parts(protocol, any, all_of(services));
    }

    static SeenService all_of(const SeenServices& services) {
        SeenService all;
        for (const auto& [key, service] : services) {
            for (const auto& [end, seen] : service.named) all.named[end].add(seen);
            for (const auto& [end, seen] : service.bare) all.bare[end].add(seen);
        }
        return all;
    }

    void add_parts(Protocol protocol, const SuggestedValues& ports, const SeenService& service) {
        SuggestedPart part;
        part.users.insert(user_);
        part.protocols.insert(protocol);
        part.ports = ports;
        SuggestedValues names = listed(service.named, domain_above, "names");
        SuggestedValues addresses = listed(service.bare, network_around, "addresses");
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
        SuggestedPart bare = part;
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

    const std::string& user_;
    std::vector<SuggestedPart> parts_;
};

}  // namespace

void SeenFlows::add(const SeenFlows& other) {
    since = flows == 0 ? other.since : std::min(since, other.since);
    until = flows == 0 ? other.until : std::max(until, other.until);
    flows += other.flows;
}

std::vector<SuggestedPart> suggested_parts(const std::string& user, const SeenServices& services) {
    return Maker(user).make(services);
}

void merge_parts(std::vector<SuggestedPart>& parts) {
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

}  // namespace doorward
