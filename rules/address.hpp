// SPDX-License-Identifier: GPL-2.0-or-later
// IP addresses and prefixes, both families in one form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace doorward {

// 16 bytes in network order. IPv4 is kept v4-mapped (::ffff:a.b.c.d), as the kernel does for
// AF_INET6 sockets that talk IPv4, so that one key serves both socket families.
struct Address {
    std::array<std::uint8_t, 16> bytes{};

    static Address v4(std::span<const std::uint8_t, 4> network_order);
    static Address v6(std::span<const std::uint8_t, 16> network_order);
    static Address v4(std::uint32_t number);  // as v4_number()
    static Address v6(std::uint64_t high, std::uint64_t low);
    // Accepts what inet_pton accepts, nothing else: no host names, no octal, no zone index.
    static std::optional<Address> parse(std::string_view text);

    bool is_v4() const;
    bool is_unspecified() const;  // 0.0.0.0 or ::
    bool is_loopback() const;     // 127.0.0.0/8 or ::1
    std::string to_string() const;  // v4-mapped ones as plain IPv4

    // In host byte order, so that numbers compare as addresses do: the last 32 bits, the two halves.
    std::uint32_t v4_number() const { return static_cast<std::uint32_t>(low()); }
    std::uint64_t high() const { return half(0); }
    std::uint64_t low() const { return half(8); }

    auto operator<=>(const Address&) const = default;

private:
    std::uint64_t half(std::size_t first) const {
        std::uint64_t out = 0;
        for (std::size_t i = first; i < first + 8; ++i) out = out << 8 | bytes[i];
        return out;
    }
};

// `length` counts bits of the 16-byte form: 203.0.113.0/24 has length 96 + 24 = 120.
struct Prefix {
    Address base;
    std::uint8_t length = 128;

    // "203.0.113.7", "203.0.113.0/24", "2001:db8::/32". Host bits below the length are refused, and
    // anything but decimal digits without leading zeros after the slash.
    static std::optional<Prefix> parse(std::string_view text);

    // The one of this length that the address is in.
    static Prefix around(const Address& address, std::uint8_t length);

    // A prefix in IPv6 notation that is shorter than ::ffff:0:0/96 holds no IPv4 address: ::/0 is
    // every IPv6 address and 0.0.0.0/0 every IPv4 one.
    bool contains(const Address& address) const;
    std::string to_string() const;

    auto operator<=>(const Prefix&) const = default;
};

}  // namespace doorward
