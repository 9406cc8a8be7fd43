// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/value_group.hpp"

#include <algorithm>

namespace doorward {

namespace {

using Words = std::vector<Prefix>;

Words prefixes(std::initializer_list<std::string_view> texts) {
    Words out;
    for (const std::string_view text : texts) out.push_back(*Prefix::parse(text));
    return out;
}

bool within(const Words& words, const Address& address) {
    return std::ranges::any_of(words, [&](const Prefix& each) { return each.contains(address); });
}

// Made when the program starts: a decision allocates nothing.
const Words loopback = prefixes({"127.0.0.0/8", "::1"});
const Words multicast = prefixes({"224.0.0.0/4", "ff00::/8"});
const Words link_local = prefixes({"169.254.0.0/16", "fe80::/10", "255.255.255.255"});
// What the internet does not route: RFC 1918, 6598, 4193, 3927 and 4291.
const Words not_routed =
    prefixes({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
              "169.254.0.0/16", "fe80::/10"});

bool is_own(const Address& address, const Network& network) {
    return std::ranges::find(network.self, address) != network.self.end();
}

}  // namespace

std::size_t ListedValues::memory() const {
    return addresses.memory() + domains.memory() + ports.capacity() * sizeof(PortRange) +
           sha256.capacity() * sizeof(Sha256);
}

Met is_word(NetworkWord word, const Address& address, const Network* network) {
    switch (word) {
        case NetworkWord::loopback: return met(within(loopback, address));
        case NetworkWord::multicast: return met(within(multicast, address));
        case NetworkWord::private_: return met(within(not_routed, address));
        case NetworkWord::lan:
            if (within(link_local, address)) return Met::yes;
            return network ? met(within(network->lan, address)) : Met::neither;
        case NetworkWord::dns:
            if (!network) return Met::neither;
            return met(std::ranges::find(network->dns, address) != network->dns.end());
        case NetworkWord::self:
            if (within(loopback, address)) return Met::yes;
            return network ? met(is_own(address, *network)) : Met::neither;
    }
    return Met::neither;
}

bool ValueGroup::has_port(std::uint16_t port) const {
    return std::ranges::any_of(parts, [port](const auto& part) {
        const auto after = std::ranges::upper_bound(part->ports, port, {}, &PortRange::first);
        return after != part->ports.begin() && port <= std::prev(after)->last;
    });
}

bool ValueGroup::has_digest(const Sha256& digest) const {
    return std::ranges::any_of(parts, [&](const auto& part) {
        return std::ranges::binary_search(part->sha256, digest);
    });
}

bool ValueGroup::has_domain(std::string_view normal_name) const {
    return std::ranges::any_of(
        parts, [&](const auto& part) { return part->domains.contains(normal_name); });
}

bool ValueGroup::has_listed(const Address& address) const {
    return std::ranges::any_of(
        parts, [&](const auto& part) { return part->addresses.contains(address); });
}

Met ValueGroup::has_address(const Address& address, const Network* network) const {
    if (has_listed(address)) return Met::yes;
    Met found = Met::no;
    for (std::size_t word = 0; word < network_words; ++word) {
        if (!words[word]) continue;
        const Met one = is_word(static_cast<NetworkWord>(word), address, network);
        if (one == Met::yes) return Met::yes;
        if (one == Met::neither) found = Met::neither;
    }
    return found;
}

bool ValueGroup::asks_network() const {
    return words[static_cast<std::size_t>(NetworkWord::lan)] ||
           words[static_cast<std::size_t>(NetworkWord::dns)] ||
           words[static_cast<std::size_t>(NetworkWord::self)];
}

void ValueGroup::add(const ValueGroup& other) {
    words |= other.words;
    for (const auto& part : other.parts)
        if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
}

void sort_and_join(std::vector<PortRange>& ranges) {
    std::ranges::sort(ranges);
    std::vector<PortRange> out;
    for (const PortRange& range : ranges) {
        if (!out.empty() && range.first <= out.back().last + 1)
            out.back().last = std::max(out.back().last, range.last);
        else
            out.push_back(range);
    }
    ranges = std::move(out);
}

}  // namespace doorward
