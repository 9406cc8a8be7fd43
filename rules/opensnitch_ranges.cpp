// SPDX-License-Identifier: GPL-2.0-or-later
// Operators that name ranges, networks and lists, and those that nothing here is like.
#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "rules/address.hpp"
#include "rules/opensnitch_conditions.hpp"

namespace doorward {

namespace {

constexpr std::uint64_t most_uids = 64;

// What can't be said here at all, with what comes closest.
const std::map<std::string, std::pair<const char*, const char*>, std::less<>>& unsaid() {
    static const std::map<std::string, std::pair<const char*, const char*>, std::less<>> all{
        {"process.command",
         {"rules here don't look at whole command lines, which processes choose themselves",
          "write app: and, behind an interpreter, script:"}},
        {"process.id", {"a process's number says nothing about the next process", "write app:"}},
        {"process.hash.md5", {"MD5 tells no files apart", "write sha256:, as doorward hash prints it"}},
        {"process.hash.sha1", {"SHA-1 tells no files apart", "write sha256:, as doorward hash prints it"}},
        {"lists.hash.md5", {"MD5 tells no files apart", "write a set of sha256"}},
        {"lists.domains_regexp", {"lists of regular expressions are not read", "write a list of names"}},
        {"source.port", {"rules here don't look at the port of the side that opens a flow", ""}},
        {"iface.in",
         {"OpenSnitch asks about outbound flows, which come in by no interface: it never matches there",
          "for inbound flows write direction: in and interface:"}}};
    return all;
}

}  // namespace

bool OpenSnitchConditions::is_unsaid(const std::string& operand) { return unsaid().contains(operand); }

std::unexpected<Error> OpenSnitchConditions::not_carried(const OpenSnitchOperator& what) {
    if (what.operand.starts_with("process.env."))
        return fail("a process's environment is its own to choose", "write user:, unit: or parent:");
    const auto found = unsaid().find(what.operand);
    if (found != unsaid().end()) return fail(found->second.first, found->second.second);
    return fail(fmt::format("there is nothing like \"{}\" with type \"{}\"", what.operand.substr(0, 40),
                            what.type.substr(0, 40)),
                "write the rule by hand");
}

Result<void> OpenSnitchConditions::add_range(const OpenSnitchOperator& what) {
    if (what.operand != "dest.port" && what.operand != "user.id") return not_carried(what);
    std::string text = what.data;
    std::erase(text, ' ');
    const auto dash = text.find('-');
    std::uint64_t first = 0, last = 0;
    const auto number = [](std::string_view part, std::uint64_t& out) {
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
        return error == std::errc{} && end == part.data() + part.size();
    };
    if (dash == text.npos || !number(std::string_view(text).substr(0, dash), first) ||
        !number(std::string_view(text).substr(dash + 1), last) || first > last)
        return fail(fmt::format("\"{}\" is no range", what.data.substr(0, 40)), "write it as 8000-8080");
    if (what.operand == "dest.port") {
        if (first > 65535) return nothing_ = true, Result<void>{};
        keep_ports({{static_cast<std::uint16_t>(first),
                     static_cast<std::uint16_t>(std::min<std::uint64_t>(last, 65535))}});
        return {};
    }
    // A uid that is not known counts as 0 there.
    if (first == 0) return fail("a range from 0 is met by unknown users too", "write user: with the uids");
    if (last - first >= most_uids || last >= 0xffffffff)
        return fail(fmt::format("a range of more than {} users", most_uids), "write group:");
    Texts uids;
    for (; first <= last; ++first) uids.push_back(std::to_string(first));
    return keep(Condition::user, std::move(uids));
}

// Go masks what stands behind the prefix; here it would be an error.
Result<void> OpenSnitchConditions::add_network(const OpenSnitchOperator& what) {
    if (what.operand != "dest.network" && what.operand != "source.network") return not_carried(what);
    const auto slash = what.data.find('/');
    const auto address = Address::parse(std::string_view(what.data).substr(0, slash));
    if (slash == what.data.npos || !address || (address->is_v4() && what.data.contains(':')))
        return fail(fmt::format("\"{}\" is no network, but perhaps one of OpenSnitch's names for some",
                                what.data.substr(0, 40)),
                    "write its networks under to, or the word that comes closest: lan, private");
    auto prefix = Prefix::parse((address->is_v4() ? "0.0.0.0" : "::") + what.data.substr(slash));
    if (!prefix) return fail(fmt::format("\"{}\" is no network", what.data.substr(0, 60)));
    prefix->base = *address;
    for (std::size_t bit = prefix->length; bit < 128; ++bit)
        prefix->base.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
    return keep(what.operand == "dest.network" ? Condition::to : Condition::from, {prefix->to_string()});
}

Result<void> OpenSnitchConditions::add_lists(const OpenSnitchOperator& what) {
    const bool names = what.operand == "lists.domains", nets = what.operand == "lists.nets";
    if (!names && !nets && what.operand != "lists.ips") return not_carried(what);
    const auto set = lists_.set_of(names ? SetKind::domains : SetKind::addresses, nets, what.data);
    if (!set) return std::unexpected(set.error());
    sensitive_host_ = sensitive_host_ || (names && what.sensitive);
    return keep(names ? Condition::domain : Condition::to, {*set});
}

}  // namespace doorward
