// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/flow.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace doorward {
namespace {

using UnknownName = std::pair<Unknown, std::string_view>;
constexpr std::array<UnknownName, unknown_reasons> unknown_names{{
    {Unknown::none, "none"},
    {Unknown::no_binding, "no-binding"},
    {Unknown::no_listener, "no-listener"},
    {Unknown::kernel, "kernel"},
    {Unknown::process_lost, "process-lost"},
    {Unknown::path_unreadable, "path-unreadable"},
    {Unknown::bad_packet, "bad-packet"},
    {Unknown::ambiguous, "ambiguous"},
    {Unknown::forwarded, "forwarded"},
}};

using ProtocolName = std::pair<Protocol, std::string_view>;
constexpr std::array<ProtocolName, 6> protocol_names{{
    {Protocol::icmp, "icmp"},
    {Protocol::tcp, "tcp"},
    {Protocol::udp, "udp"},
    {Protocol::icmpv6, "icmpv6"},
    {Protocol::sctp, "sctp"},
    {Protocol::udplite, "udplite"},
}};

}  // namespace

std::string_view direction_name(Direction direction) {
    switch (direction) {
        case Direction::out: return "out";
        case Direction::in: return "in";
        case Direction::forward: return "forward";
    }
    return "out";
}

std::optional<Direction> parse_direction(std::string_view text) {
    if (text == "out") return Direction::out;
    if (text == "in") return Direction::in;
    if (text == "forward") return Direction::forward;
    return std::nullopt;
}

std::string_view unknown_name(Unknown reason) {
    for (const auto& [value, name] : unknown_names)
        if (value == reason) return name;
    return "?";
}

std::optional<Unknown> parse_unknown(std::string_view text) {
    for (const auto& [value, name] : unknown_names)
        if (name == text) return value;
    return std::nullopt;
}

std::string protocol_name(Protocol protocol) {
    for (const auto& [value, name] : protocol_names)
        if (value == protocol) return std::string(name);
    return std::to_string(static_cast<unsigned>(protocol));
}

std::optional<Protocol> parse_protocol(std::string_view text) {
    for (const auto& [value, name] : protocol_names)
        if (name == text) return value;
    if (text.size() > 1 && text[0] == '0') return std::nullopt;
    std::uint8_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return static_cast<Protocol>(number);
}

}  // namespace doorward
