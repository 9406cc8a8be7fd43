// SPDX-License-Identifier: GPL-2.0-or-later
// Values of one kind (addresses, ports, domains or digests), ready to be asked: those of a named set,
// or of a condition that has several.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "rules/condition.hpp"
#include "rules/content.hpp"
#include "rules/domain_set.hpp"
#include "rules/flow.hpp"
#include "rules/port_range.hpp"
#include "rules/prefix_set.hpp"
#include "rules/surroundings.hpp"

namespace doorward {

// What stands in a rule file or in a list. Immutable; those of a list are shared between rulesets for
// as long as its file stays the same.
struct ListedValues {
    PrefixSet addresses;
    DomainSet domains;
    std::vector<PortRange> ports;  // ascending, neither overlapping nor touching
    std::vector<Sha256> sha256;    // ascending

    std::size_t memory() const;    // bytes
};

// Whether a condition holds of a flow. `neither`: it can't be said, so its negation doesn't hold either.
enum class Met : std::uint8_t { no, yes, neither };

inline Met met(bool holds) { return holds ? Met::yes : Met::no; }

struct ValueGroup {
    std::vector<std::shared_ptr<const ListedValues>> parts;
    std::bitset<network_words> words;

    bool has_port(std::uint16_t port) const;
    bool has_digest(const Sha256& digest) const;
    bool has_domain(std::string_view normal_name) const;
    bool has_listed(const Address& address) const;  // words aside
    // With the words, of which some need to know the network.
    Met has_address(const Address& address, const Network* network) const;
    bool asks_network() const;

    void add(const ValueGroup& other);
};

// Whether the address is one of those that the word stands for.
Met is_word(NetworkWord word, const Address& address, const Network* network);

void sort_and_join(std::vector<PortRange>& ranges);

}  // namespace doorward
