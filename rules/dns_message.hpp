// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes of a DNS message → what it asks and which addresses it gives (RFC 1035, 9460).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/address.hpp"

namespace doorward {

// The types of records that lead to an address. Messages may ask for any other.
enum class DnsType : std::uint16_t { a = 1, cname = 5, aaaa = 28, svcb = 64, https = 65 };

// Whether an answer to a question of this type can name an address.
bool leads_to_address(DnsType type);

struct DnsQuestion {
    std::string name;  // a normal host name; empty: something that is none
    DnsType type{};

    bool operator==(const DnsQuestion&) const = default;
};

// One record of the answer section: `owner` has an address, or goes by the name `target` too. An
// SVCB or HTTPS record gives one of these for its target and one for each of its address hints.
struct DnsRecord {
    std::string owner;
    DnsType type{};
    std::uint32_t ttl = 0;  // seconds; 0 if its highest bit was set (RFC 2181)
    std::optional<Address> address;
    std::string target;     // without an address: the other name

    bool operator==(const DnsRecord&) const = default;
};

struct DnsMessage {
    std::uint16_t id = 0;
    bool response = false;
    bool truncated = false;       // there is more, to be asked for by TCP
    std::uint8_t error = 0;       // response code; 0: none
    DnsQuestion question;
    std::vector<DnsRecord> answers;  // at most max_dns_answers; records of other types are left out

    bool operator==(const DnsMessage&) const = default;
};

inline constexpr std::size_t max_dns_answers = 128;

// Nothing if the bytes are no ordinary query or response about one question of the class IN, or if
// anything up to the end of the answer section contradicts itself. Never reads beyond `bytes`; what
// it does is bounded by their number, whatever they hold.
std::optional<DnsMessage> parse_dns(std::span<const std::uint8_t> bytes);

}  // namespace doorward
