// SPDX-License-Identifier: GPL-2.0-or-later
// Builds DNS messages and the packets that carry them, one byte after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/address.hpp"
#include "rules/dns_message.hpp"

namespace doorward::test {

using Bytes = std::vector<std::uint8_t>;

inline void put16(Bytes& out, std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

inline void put32(Bytes& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

inline void put(Bytes& out, const Bytes& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// "www.example.org" → 3www7example3org0; "" → the root.
inline Bytes wire_name(std::string_view text) {
    Bytes out;
    while (!text.empty()) {
        const auto label = text.substr(0, text.find('.'));
        out.push_back(static_cast<std::uint8_t>(label.size()));
        out.insert(out.end(), label.begin(), label.end());
        text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    out.push_back(0);
    return out;
}

inline Bytes address_bytes(const char* text) {
    const Address address = Address::parse(text).value();
    return {address.bytes.begin() + (address.is_v4() ? 12 : 0), address.bytes.end()};
}

class DnsBuilder {
public:
    DnsBuilder(std::uint16_t id, std::string_view name, DnsType type, bool response = true) {
        put16(bytes_, id);
        put16(bytes_, response ? 0x8180 : 0x0100);
        put16(bytes_, 1);
        put32(bytes_, 0);
        put16(bytes_, 0);
        put(bytes_, wire_name(name));
        put16(bytes_, static_cast<std::uint16_t>(type));
        put16(bytes_, 1);
    }

    DnsBuilder& record(const Bytes& owner, DnsType type, std::uint32_t ttl, const Bytes& data,
                       std::uint16_t its_class = 1) {
        put(bytes_, owner);
        put16(bytes_, static_cast<std::uint16_t>(type));
        put16(bytes_, its_class);
        put32(bytes_, ttl);
        put16(bytes_, static_cast<std::uint32_t>(data.size()));
        put(bytes_, data);
        bytes_[7]++;
        return *this;
    }
    DnsBuilder& address(std::string_view owner, const char* text, std::uint32_t ttl = 300) {
        const Bytes data = address_bytes(text);
        return record(wire_name(owner), data.size() == 4 ? DnsType::a : DnsType::aaaa, ttl, data);
    }
    DnsBuilder& alias(std::string_view owner, std::string_view target, std::uint32_t ttl = 300) {
        return record(wire_name(owner), DnsType::cname, ttl, wire_name(target));
    }
    DnsBuilder& flags(std::uint16_t flags) {
        bytes_[2] = static_cast<std::uint8_t>(flags >> 8);
        bytes_[3] = static_cast<std::uint8_t>(flags);
        return *this;
    }

    const Bytes& bytes() const { return bytes_; }
    DnsMessage message() const { return parse_dns(bytes_).value(); }

private:
    Bytes bytes_;
};

// An HTTPS record's data: priority, target, then (key, value) pairs.
inline Bytes service_data(std::uint16_t priority, std::string_view target,
                          const std::vector<std::pair<std::uint16_t, Bytes>>& parameters = {}) {
    Bytes out;
    put16(out, priority);
    put(out, wire_name(target));
    for (const auto& [key, value] : parameters) {
        put16(out, key);
        put16(out, static_cast<std::uint32_t>(value.size()));
        put(out, value);
    }
    return out;
}

}  // namespace doorward::test
