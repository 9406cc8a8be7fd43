// SPDX-License-Identifier: GPL-2.0-or-later
// Rules in the form in which they are tried: flat, small, with equal conditions kept once. Used by the
// ruleset only.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ruleset.hpp"
#include "rules/text_list.hpp"
#include "rules/value_group.hpp"
#include "rules/week_time.hpp"
#include "rules/wide_memory.hpp"

namespace doorward {

struct CompiledTerm {
    // What `a` and `b` are.
    enum class Form : std::uint8_t {
        text,      // a: of Terms::text()
        two_texts, // either of them: a path as written and as resolved
        number,    // a: uid, gid, protocol, direction; of `injected`, all bits of Injections::found
        range,     // ports a to b
        prefix4,   // of IPv4: a: its address in host byte order, b: its mask
        prefix,    // a: of Terms::prefixes
        prefixes,  // b of Terms::prefixes, from a on
        ranges,    // b of Terms::ranges, from a on
        names,     // b of Terms::names, from a on
        texts,     // a: of Terms::text_lists
        numbers,   // a: of Terms::number_lists
        group,     // a: of Terms::groups
        times,     // a: of Terms::times
        profiles,  // a: of Terms::profile_lists
    };
    Condition condition = Condition::none;
    bool negated = false;
    Form form = Form::text;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

// One line of a processor's cache: most rules are tried without reading a second one.
struct alignas(64) CompiledRule {
    static constexpr std::size_t own_terms = 4;
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    std::array<CompiledTerm, own_terms> first{};
    std::int64_t expires = never;
    std::uint32_t rest = 0;    // where those behind the first begin in Terms::rest
    std::uint8_t terms = 0;    // all of them
    Action action = Action::drop;
    bool enabled = true;
};
static_assert(sizeof(CompiledRule) == 64);
using CompiledRules = std::vector<CompiledRule, WideAllocator<CompiledRule>>;

// A profile whose values are parsed, since packets ask for it. Points into its pack.
struct CompiledProfile {
    std::string_view name;
    std::vector<Address> gateways;
    std::vector<std::string_view> gateway_macs;
    TextList interfaces;
    std::vector<std::string_view> domains;

    // Whether this host is in the network that it describes. Allocates nothing.
    bool holds(const Network& network) const;
};

// Everything that terms point into.
struct Terms {
    std::vector<CompiledTerm> rest;        // those that have no room in their rules
    WideText texts;                        // each: two bytes of length, then the text
    std::deque<std::string> own_texts;     // what text_lists point into, where it is not a pack
    std::vector<Prefix> prefixes;
    std::vector<PortRange> ranges;
    std::vector<std::uint32_t> names;      // domain_key()s, each a text()
    std::vector<TextList> text_lists;
    std::vector<std::vector<std::uint32_t>> number_lists;  // each ascending
    std::vector<ValueGroup> groups;
    std::vector<std::vector<WeekTime>> times;
    std::vector<CompiledProfile> profiles;
    std::vector<std::vector<std::uint32_t>> profile_lists;  // each: of `profiles`

    const CompiledTerm& term(const CompiledRule& rule, std::size_t at) const {
        return at < CompiledRule::own_terms ? rule.first[at]
                                            : rest[rule.rest + at - CompiledRule::own_terms];
    }
    std::string_view text(std::uint32_t at) const {
        std::uint16_t length;
        std::memcpy(&length, texts.data() + at, sizeof length);
        return std::string_view(texts).substr(at + sizeof length, length);
    }
    std::uint32_t add_text(std::string_view text);

    std::size_t memory() const;  // bytes, without lists from files
};

struct Unmet {
    Condition condition = Condition::none;
    bool negated = false;
};

// Tests the conditions in the order of the enum and stops at the first that is not met. Adds to
// `inputs` each one it looks at.
Unmet first_unmet(const CompiledRule& rule, const Terms& terms, const Flow& flow,
                  const Surroundings& around, Inputs& inputs);

}  // namespace doorward
