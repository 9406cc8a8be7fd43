// SPDX-License-Identifier: GPL-2.0-or-later
// The conditions that a rule can have: one table that loader, formatter, command line, control
// protocol, schema and compiler all go by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rules/result.hpp"

namespace doorward {

// In the order in which they are tested. What a cache can't hold or what takes time to find out comes
// late, so that few decisions depend on it: what a process is beside its executable and user, the
// names of the remote address, the local end of a flow (`from` of outbound ones), what the
// executable's file is, and the time, which is looked at only when all else matches.
enum class Condition : std::uint8_t {
    none,  // all met: the rule matches
    enabled, direction, protocol, app, user, to, port, profile, group, injected, unit, slice, container, parent,
    script, domain, from, interface, package, verity, sha256, when, expires,
};

// Kinds of named sets.
enum class SetKind : std::uint8_t { none, addresses, ports, domains, sha256 };

struct ConditionInfo {
    Condition condition = Condition::none;
    std::string_view key;           // in rule files and on the command line
    // One value as people write it → the one way to write it. Errors have no place.
    Result<std::string> (*canonical)(std::string_view text) = nullptr;
    bool single = false;            // takes one value, no list
    bool of_process = false;        // nothing can be said about it of a flow without a process
    SetKind set = SetKind::none;    // what `set:NAME` may stand for among its values
    std::string_view value;         // what a value is, in words
};

// All that a rule file can name, in the order in which they are written.
std::span<const ConditionInfo> conditions();

const ConditionInfo& condition_info(Condition condition);       // of one of these only
const ConditionInfo* find_condition(std::string_view key);      // null: there is none
std::string_view condition_name(Condition condition);           // every enumerator's

// "set:NAME" → NAME.
std::optional<std::string_view> set_reference(std::string_view value);
inline constexpr std::string_view set_prefix = "set:";

std::string_view set_kind_name(SetKind kind);  // "addresses", …: the key of its values
std::optional<SetKind> parse_set_kind(std::string_view text);

// One value of a set, as `canonical` does it for conditions.
Result<std::string> canonical_set_value(SetKind kind, std::string_view text);

// Addresses that are known by a word: in `to` and `from`, and in sets of addresses.
enum class NetworkWord : std::uint8_t { loopback, multicast, private_, lan, dns, self };

inline constexpr std::size_t network_words = 6;

std::string_view network_word(NetworkWord word);
std::optional<NetworkWord> parse_network_word(std::string_view text);

}  // namespace doorward
