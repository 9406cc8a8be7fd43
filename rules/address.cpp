// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/address.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include <fmt/format.h>

namespace doorward {
namespace {

constexpr std::array<std::uint8_t, 12> v4_mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t v4_bits = 32;
constexpr std::uint8_t all_bits = 128;
constexpr std::uint8_t mapped_bits = all_bits - v4_bits;

// inet_pton wants a terminator, which a string_view need not have, and stops at a NUL.
std::optional<std::array<char, INET6_ADDRSTRLEN>> terminated(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (text.size() >= out.size() || text.find('\0') != text.npos) return std::nullopt;
    std::ranges::copy(text, out.begin());
    return out;
}

std::optional<std::uint8_t> parse_length(std::string_view text, std::uint8_t most) {
    if (text.size() > 1 && text[0] == '0') return std::nullopt;
    std::uint8_t length = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, length);
    if (text.empty() || error != std::errc{} || stop != end || length > most) return std::nullopt;
    return length;
}

// The bits of byte `index` that a prefix of `length` bits covers.
std::uint8_t mask_of_byte(std::size_t index, std::uint8_t length) {
    const std::size_t before = index * 8;
    if (length <= before) return 0;
    const std::size_t bits = std::min<std::size_t>(length - before, 8);
    return static_cast<std::uint8_t>(0xff00u >> bits);
}

}  // namespace

Address Address::v4(std::span<const std::uint8_t, 4> network_order) {
    Address address;
    std::ranges::copy(v4_mapped, address.bytes.begin());
    std::ranges::copy(network_order, address.bytes.begin() + v4_mapped.size());
    return address;
}

Address Address::v6(std::span<const std::uint8_t, 16> network_order) {
    Address address;
    std::ranges::copy(network_order, address.bytes.begin());
    return address;
}

Address Address::v4(std::uint32_t number) {
    return v6(0, std::uint64_t{0xffff} << 32 | number);
}

Address Address::v6(std::uint64_t high, std::uint64_t low) {
    Address address;
    for (std::size_t i = 0; i < 8; ++i) {
        address.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
        address.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return address;
}

std::optional<Address> Address::parse(std::string_view text) {
    const auto c_string = terminated(text);
    if (!c_string) return std::nullopt;
    std::array<std::uint8_t, 4> four{};
    if (inet_pton(AF_INET, c_string->data(), four.data()) == 1) return v4(four);
    std::array<std::uint8_t, 16> sixteen{};
    if (inet_pton(AF_INET6, c_string->data(), sixteen.data()) == 1) return v6(sixteen);
    return std::nullopt;
}

bool Address::is_v4() const {
    return std::equal(v4_mapped.begin(), v4_mapped.end(), bytes.begin());
}

bool Address::is_unspecified() const {
    const auto first = bytes.begin() + (is_v4() ? v4_mapped.size() : 0);
    return std::all_of(first, bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Address::is_loopback() const {
    if (is_v4()) return bytes[v4_mapped.size()] == 127;
    Address one;
    one.bytes.back() = 1;
    return *this == one;
}

std::string Address::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool v4 = is_v4();
    const std::uint8_t* start = bytes.data() + (v4 ? v4_mapped.size() : 0);
    // Cannot fail: the family is known and the buffer holds the longest form.
    inet_ntop(v4 ? AF_INET : AF_INET6, start, text.data(), text.size());
    return text.data();
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view address_text = text.substr(0, slash);
    const auto base = Address::parse(address_text);
    if (!base) return std::nullopt;
    if (slash == text.npos) return Prefix{*base, all_bits};

    // How it is written decides how the length counts: "::ffff:1.2.3.4/120" is in IPv6 notation.
    const bool dotted = address_text.find(':') == address_text.npos;
    const auto length = parse_length(text.substr(slash + 1), dotted ? v4_bits : all_bits);
    if (!length) return std::nullopt;
    const Prefix prefix{*base, static_cast<std::uint8_t>(dotted ? mapped_bits + *length : *length)};
    if (around(*base, prefix.length) != prefix) return std::nullopt;
    return prefix;
}

Prefix Prefix::around(const Address& address, std::uint8_t length) {
    Prefix prefix{address, length};
    for (std::size_t i = 0; i < address.bytes.size(); ++i)
        prefix.base.bytes[i] &= mask_of_byte(i, length);
    return prefix;
}

bool Prefix::contains(const Address& address) const {
    // ::/0 means every IPv6 address and 0.0.0.0/0 every IPv4 one, as people read them; only in the
    // 16-byte form does the first include the second.
    if (length < mapped_bits && address.is_v4()) return false;
    for (std::size_t i = 0; i < base.bytes.size(); ++i)
        if ((base.bytes[i] ^ address.bytes[i]) & mask_of_byte(i, length)) return false;
    return true;
}

std::string Prefix::to_string() const {
    const std::string address = base.to_string();
    if (length == all_bits) return address;
    if (base.is_v4() && length >= mapped_bits)
        return fmt::format("{}/{}", address, length - mapped_bits);
    return fmt::format("{}/{}", address, length);
}

}  // namespace doorward
