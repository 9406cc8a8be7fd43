// SPDX-License-Identifier: GPL-2.0-or-later
// Packets for tests, composed: v4().tcp(40000, 443).syn().bytes(). Lengths are right unless a test
// sets them to something else.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/address.hpp"

namespace doorward::test {

using Data = std::vector<std::uint8_t>;

inline void put16(Data& data, std::size_t at, std::size_t value) {
    data.at(at) = static_cast<std::uint8_t>(value >> 8);
    data.at(at + 1) = static_cast<std::uint8_t>(value);
}

class PacketBuilder {
public:
    explicit PacketBuilder(bool v6) : v6_(v6) {
        if (v6) from("2001:db8::1").to("2001:db8::2");
        else from("192.0.2.1").to("203.0.113.7");
    }

    PacketBuilder& from(std::string_view text) { return source_ = *Address::parse(text), *this; }
    PacketBuilder& to(std::string_view text) { return destination_ = *Address::parse(text), *this; }

    // IPv4 only: options (a multiple of 4 bytes) and the fragment field (flags and offset).
    PacketBuilder& options(std::size_t size) { return options_ = Data(size, 1), *this; }
    PacketBuilder& fragment_field(int field) {
        return fragment_ = static_cast<std::uint16_t>(field), *this;
    }

    // IPv6 only: an extension header of `size` bytes; `length` as it is in its second byte.
    PacketBuilder& extension(int kind, std::size_t size, std::size_t length) {
        next(static_cast<std::uint8_t>(kind));
        link_ = v6_start_ + chain_.size();
        chain_.resize(chain_.size() + size);
        chain_.at(chain_.size() - size + 1) = static_cast<std::uint8_t>(length);
        return *this;
    }
    PacketBuilder& fragment_header(int offset_and_more) {
        extension(44, 8, 0);
        put16(chain_, chain_.size() - 6, static_cast<std::size_t>(offset_and_more));
        return *this;
    }

    PacketBuilder& payload(std::uint8_t protocol, Data data) {
        next(protocol);
        payload_ = std::move(data);
        return *this;
    }
    PacketBuilder& tcp(std::uint16_t source, std::uint16_t destination) {
        Data data(20);
        put16(data, 0, source);
        put16(data, 2, destination);
        data[12] = 5 << 4;
        return payload(6, std::move(data));
    }
    PacketBuilder& tcp_flags(int flags) { return with8(13, static_cast<std::uint8_t>(flags)); }
    PacketBuilder& syn() { return tcp_flags(0x02); }
    // Of TCP, in multiples of four bytes.
    PacketBuilder& options(const Data& data) {
        payload_.insert(payload_.end(), data.begin(), data.end());
        return with8(12, static_cast<std::uint8_t>(payload_.size() / 4 << 4));
    }
    PacketBuilder& udp(std::uint16_t source, std::uint16_t destination, std::size_t size = 4,
                       std::uint8_t protocol = 17) {
        Data data(8 + size);
        put16(data, 0, source);
        put16(data, 2, destination);
        put16(data, 4, data.size());
        return payload(protocol, std::move(data));
    }
    PacketBuilder& sctp(std::uint16_t source, std::uint16_t destination) {
        Data data(16);
        put16(data, 0, source);
        put16(data, 2, destination);
        return payload(132, std::move(data));
    }
    PacketBuilder& icmp(std::uint8_t type, std::uint16_t identifier) {
        Data data(16);
        data[0] = type;
        put16(data, 4, identifier);
        return payload(v6_ ? 58 : 1, std::move(data));
    }

    // Sets one byte or 16-bit field of the transport header.
    PacketBuilder& with8(std::size_t at, std::uint8_t v) { return payload_.at(at) = v, *this; }
    PacketBuilder& with16(std::size_t at, std::size_t v) { return put16(payload_, at, v), *this; }
    PacketBuilder& cut_payload(std::size_t size) { return payload_.resize(size), *this; }

    // What the IP header says instead of the truth.
    PacketBuilder& claim(std::size_t length) { return claimed_ = length, *this; }
    PacketBuilder& header_words(int ihl) { return ihl_ = static_cast<std::uint8_t>(ihl), *this; }

    Data bytes() const { return v6_ ? bytes6() : bytes4(); }
    Data bytes(std::size_t size) const {  // cut, or padded
        Data data = bytes();
        data.resize(size);
        return data;
    }

private:
    static constexpr std::size_t v6_start_ = 40;

    void next(std::uint8_t protocol) {
        if (link_ == 0) protocol_ = protocol;
        else chain_.at(link_ - v6_start_) = protocol;
    }

    Data bytes4() const {
        Data data(20);
        data[0] = static_cast<std::uint8_t>(0x40 | ihl_.value_or(
                      static_cast<std::uint8_t>(5 + options_.size() / 4)));
        data[8] = 64;
        data[9] = protocol_;
        put16(data, 6, fragment_);
        std::copy(source_.bytes.begin() + 12, source_.bytes.end(), data.begin() + 12);
        std::copy(destination_.bytes.begin() + 12, destination_.bytes.end(), data.begin() + 16);
        data.insert(data.end(), options_.begin(), options_.end());
        data.insert(data.end(), payload_.begin(), payload_.end());
        put16(data, 2, claimed_.value_or(data.size()));
        return data;
    }

    Data bytes6() const {
        Data data(v6_start_);
        data[0] = 0x60;
        data[6] = protocol_;
        data[7] = 64;
        std::copy(source_.bytes.begin(), source_.bytes.end(), data.begin() + 8);
        std::copy(destination_.bytes.begin(), destination_.bytes.end(), data.begin() + 24);
        data.insert(data.end(), chain_.begin(), chain_.end());
        data.insert(data.end(), payload_.begin(), payload_.end());
        put16(data, 4, claimed_.value_or(data.size() - v6_start_));
        return data;
    }

    bool v6_;
    Address source_, destination_;
    Data options_, chain_, payload_;
    std::uint16_t fragment_ = 0;
    std::uint8_t protocol_ = 0;
    std::size_t link_ = 0;  // of the last extension header's "next" field; 0: it is the IP header's
    std::optional<std::size_t> claimed_;
    std::optional<std::uint8_t> ihl_;
};

inline PacketBuilder v4() { return PacketBuilder(false); }
inline PacketBuilder v6() { return PacketBuilder(true); }

}  // namespace doorward::test
