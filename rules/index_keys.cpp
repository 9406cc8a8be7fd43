// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/index_keys.hpp"

#include <bit>

namespace doorward {

namespace {

using Kind = RuleIndex::Kind;
using Form = CompiledTerm::Form;

// A condition with more values is better tried than looked up.
constexpr std::size_t most_keys = 4096;

constexpr unsigned address_bits = 128;
constexpr unsigned v4_bits = 96;  // of the 16-byte form, before those of IPv4

Kind kind_of(Condition condition) {
    switch (condition) {
        case Condition::app: return Kind::path;
        case Condition::user: return Kind::user;
        case Condition::group: return Kind::group;
        case Condition::to: return Kind::to;
        case Condition::from: return Kind::from;
        case Condition::port: return Kind::port;
        case Condition::unit: return Kind::unit;
        case Condition::slice: return Kind::slice;
        case Condition::container: return Kind::container;
        case Condition::parent: return Kind::parent;
        case Condition::script: return Kind::script;
        case Condition::domain: return Kind::domain;
        default: return Kind::none;
    }
}

void add_ports(unsigned first, unsigned last, TermKeys& out) {
    // The fewest aligned blocks that make up the range.
    while (first <= last) {
        unsigned bits = first == 0 ? 16 : static_cast<unsigned>(std::countr_zero(first));
        while (first + (1u << bits) - 1 > last) --bits;
        out.keys.push_back(port_key(static_cast<std::uint16_t>(first), 16 - bits));
        out.lengths.push_back(static_cast<std::uint8_t>(16 - bits));
        first += 1u << bits;
    }
}

void add_prefix(Kind kind, const Address& address, unsigned length, TermKeys& out) {
    (length >= v4_bits && address.is_v4() ? out.v4 : out.v6) = true;
    out.keys.push_back(prefix_key(kind, address, length));
    out.lengths.push_back(static_cast<std::uint8_t>(length));
}

void add_v4_range(Kind kind, std::uint64_t first, std::uint64_t last, TermKeys& out) {
    while (first <= last) {
        unsigned bits = first == 0 ? 32 : static_cast<unsigned>(std::countr_zero(first));
        while (bits > 32 || first + (std::uint64_t{1} << bits) - 1 > last) --bits;
        add_prefix(kind, Address::v4(static_cast<std::uint32_t>(first)), address_bits - bits, out);
        first += std::uint64_t{1} << bits;
    }
}

// A range of IPv6 under the bits that its ends share: more than its addresses, which is allowed.
void add_v6_range(Kind kind, const PrefixSet::Range6& range, TermKeys& out) {
    const std::uint64_t high = range.first.high ^ range.last.high;
    const std::uint64_t low = range.first.low ^ range.last.low;
    const unsigned shared = static_cast<unsigned>(high != 0 ? std::countl_zero(high)
                                                            : 64 + std::countl_zero(low));
    add_prefix(kind, Address::v6(range.first.high, range.first.low), shared, out);
}

// False: the group has what stands in no rule, so no keys can be said.
bool add_group(const CompiledTerm& term, const ValueGroup& group, TermKeys& out) {
    if (group.words.any() || group.parts.size() != 1) return false;
    const ListedValues& part = *group.parts.front();
    if (part.domains.size() > most_keys || part.addresses.v4().size() > most_keys ||
        part.addresses.v6().size() > most_keys || part.ports.size() > most_keys)
        return false;
    const Kind kind = out.kind;
    for (const PortRange& range : part.ports) add_ports(range.first, range.last, out);
    for (const auto& range : part.addresses.v4()) add_v4_range(kind, range.first, range.last, out);
    for (const auto& range : part.addresses.v6()) add_v6_range(kind, range, out);
    if (term.condition == Condition::domain)
        part.domains.each([&](std::string_view name, Covers covers, Listing) {
            if (static_cast<unsigned>(covers) & static_cast<unsigned>(Covers::itself))
                out.keys.push_back(domain_key_hash(name));
            if (static_cast<unsigned>(covers) & static_cast<unsigned>(Covers::below))
                out.keys.push_back(domain_key_hash("." + std::string(name)));
        });
    return !out.keys.empty();
}

// Plain texts by themselves. Of patterns, those of `app` alone: by the folder they begin with.
bool add_texts(const CompiledTerm& term, const TextList& list, TermKeys& out) {
    if (list.unknown_reasons != 0) return false;
    if (!list.globs.empty() && (term.condition != Condition::app || !list.plain.empty()))
        return false;
    for (const std::string_view text : list.plain) out.keys.push_back(text_key(out.kind, text));
    if (!list.globs.empty()) out.kind = Kind::folder;
    for (const auto& each : list.globs)
        out.keys.push_back(folder_key(each.literal));
    return true;
}

}  // namespace

std::uint64_t text_key(RuleIndex::Kind kind, std::string_view text) {
    IndexHash hash(kind);
    hash.add(text);
    return hash.value();
}

std::uint64_t folder_key(std::string_view folder) {
    IndexHash hash(Kind::folder);
    hash.add_bytes(folder);
    return hash.value();
}

std::uint64_t domain_key_hash(std::string_view key) {
    IndexHash hash(Kind::domain);
    for (std::size_t at = key.size(); at-- > 0;) hash.add_byte(static_cast<std::uint8_t>(key[at]));
    return hash.value();
}

std::uint64_t number_key(RuleIndex::Kind kind, std::uint32_t number) {
    IndexHash hash(kind);
    hash.add_number(number);
    return hash.value();
}

std::uint64_t prefix_key(RuleIndex::Kind kind, const Address& address, unsigned length) {
    IndexHash hash(kind);
    hash.add_byte(static_cast<std::uint8_t>(length));
    const auto word = [&](unsigned first) {
        std::uint32_t out = 0;
        for (unsigned i = 0; i < 4; ++i) out = out << 8 | address.bytes[first + i];
        const unsigned bits = first * 8;
        if (length >= bits + 32) return out;
        return length <= bits ? 0 : out & ~std::uint32_t{0} << (bits + 32 - length);
    };
    for (unsigned i = length >= v4_bits && address.is_v4() ? v4_bits / 8 : 0; i < 16; i += 4)
        hash.add_number(word(i));
    return hash.value();
}

std::uint64_t port_key(std::uint16_t port, unsigned length) {
    IndexHash hash(Kind::port);
    hash.add_byte(static_cast<std::uint8_t>(length));
    hash.add_number(length == 0 ? 0u : static_cast<std::uint32_t>(port) >> (16 - length));
    return hash.value();
}

void TermKeys::clear() {
    kind = Kind::none;
    keys.clear();
    lengths.clear();
    v4 = v6 = false;
}

void keys_of(const CompiledTerm& term, const Terms& terms, TermKeys& out) {
    out.clear();
    out.kind = kind_of(term.condition);
    if (term.negated || out.kind == Kind::none) {
        out.kind = Kind::none;
        return;
    }
    bool sound = true;
    switch (term.form) {
        case Form::two_texts: out.keys.push_back(text_key(out.kind, terms.text(term.b))); [[fallthrough]];
        case Form::text:
            out.keys.push_back(out.kind == Kind::domain ? domain_key_hash(terms.text(term.a))
                                                        : text_key(out.kind, terms.text(term.a)));
            break;
        case Form::number: out.keys.push_back(number_key(out.kind, term.a)); break;
        case Form::range: add_ports(term.a, term.b, out); break;
        case Form::prefix4:
            add_prefix(out.kind, Address::v4(term.a),
                       v4_bits + static_cast<unsigned>(std::popcount(term.b)), out);
            break;
        case Form::prefix:
            add_prefix(out.kind, terms.prefixes[term.a].base, terms.prefixes[term.a].length, out);
            break;
        case Form::prefixes:
            for (std::uint32_t i = 0; i < term.b; ++i)
                add_prefix(out.kind, terms.prefixes[term.a + i].base,
                           terms.prefixes[term.a + i].length, out);
            break;
        case Form::ranges:
            for (std::uint32_t i = 0; i < term.b; ++i)
                add_ports(terms.ranges[term.a + i].first, terms.ranges[term.a + i].last, out);
            break;
        case Form::names:
            for (std::uint32_t i = 0; i < term.b; ++i)
                out.keys.push_back(domain_key_hash(terms.text(terms.names[term.a + i])));
            break;
        case Form::numbers:
            for (const std::uint32_t number : terms.number_lists[term.a])
                out.keys.push_back(number_key(out.kind, number));
            break;
        case Form::texts: sound = add_texts(term, terms.text_lists[term.a], out); break;
        case Form::group: sound = add_group(term, terms.groups[term.a], out); break;
        case Form::times:
        case Form::profiles: sound = false; break;
    }
    if (!sound || out.keys.size() > most_keys) out.clear();
}

}  // namespace doorward
