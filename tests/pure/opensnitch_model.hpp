// SPDX-License-Identifier: GPL-2.0-or-later
// How OpenSnitch 1.7 decides, as simply as it can be said: what the import must agree with. Shares
// nothing with it.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "rules/flow.hpp"

namespace doorward::opensnitch {

struct Operator {
    std::string type, operand, data;
    bool sensitive = false;
    std::vector<Operator> list{};
};

struct Rule {
    std::string name, action = "allow";
    bool enabled = true, precedence = false;
    Operator what{};
};

// What it knows of a connection, as text.
struct Connection {
    std::string path, protocol, source, destination, host, interface;
    std::vector<std::string> parents{};
    std::uint32_t uid = 0;
    unsigned port = 0;
};

inline std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

inline bool compare(const Operator& op, const std::string& value) {
    if (op.type == "range") {
        const auto dash = op.data.find('-');
        const auto number = std::stoull("0" + value);
        return number >= std::stoull(op.data) && number <= std::stoull(op.data.substr(dash + 1));
    }
    if (op.type == "regexp") {
        static std::map<std::string, std::regex> known;  // making one takes longer than asking it
        const std::string text = op.sensitive ? op.data : lower(op.data);
        return std::regex_search(op.sensitive ? value : lower(value),
                                 known.try_emplace(text, text).first->second);
    }
    return op.sensitive ? value == op.data : lower(value) == lower(op.data);
}

inline bool in_network(const Operator& op, const std::string& address) {
    const auto slash = op.data.find('/');
    const auto base = Address::parse(op.data.substr(0, slash)).value(), one = Address::parse(address).value();
    if (base.is_v4() != one.is_v4()) return false;
    const unsigned length = static_cast<unsigned>(std::stoul(op.data.substr(slash + 1))) + (base.is_v4() ? 96 : 0);
    for (unsigned bit = 0; bit < length; ++bit)
        if ((base.bytes[bit / 8] ^ one.bytes[bit / 8]) & (0x80u >> (bit % 8))) return false;
    return true;
}

inline bool matches(const Operator& op, const Connection& con, const std::map<std::string, std::uint32_t>& users) {
    if (op.type == "list")
        return std::ranges::all_of(op.list, [&](const Operator& each) { return matches(each, con, users); });
    if (op.operand == "true") return true;
    if (op.operand == "process.path") return compare(op, con.path);
    if (op.operand == "process.parent.path")
        return std::ranges::any_of(con.parents, [&](const std::string& path) { return compare(op, path); });
    if (op.operand == "dest.host") return compare(op, con.host);
    if (op.operand == "dest.ip") return compare(op, con.destination);
    if (op.operand == "source.ip") return compare(op, con.source);
    if (op.operand == "dest.network") return in_network(op, con.destination);
    if (op.operand == "source.network") return in_network(op, con.source);
    if (op.operand == "dest.port") return compare(op, std::to_string(con.port));
    if (op.operand == "user.id") return compare(op, std::to_string(con.uid));
    if (op.operand == "user.name") return users.at(op.data) == con.uid;
    if (op.operand == "protocol") return compare(op, con.protocol);
    if (op.operand == "iface.out") return compare(op, con.interface);
    return false;
}

// The action of the rule that counts; nothing: it asks, or its default decides.
inline std::optional<std::string> decide(std::vector<Rule> rules, const Connection& con,
                                         const std::map<std::string, std::uint32_t>& users) {
    std::ranges::sort(rules, {}, &Rule::name);
    std::optional<std::string> out;
    for (const Rule& rule : rules) {
        if (!rule.enabled || !matches(rule.what, con, users)) continue;
        out = rule.action;
        if (rule.action != "allow" || rule.precedence) return out;
    }
    return out;
}

}  // namespace doorward::opensnitch
