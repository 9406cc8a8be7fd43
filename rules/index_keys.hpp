// SPDX-License-Identifier: GPL-2.0-or-later
// The keys under which rules stand in the index: hashes of a kind and a value. Used by the index only.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "rules/rule_index.hpp"

namespace doorward {

// FNV-1a, by bytes or by eight of them at once, finished by the mixer of MurmurHash3. Only rules stand in the index, which are root's: nobody
// gains by values that collide, and a collision costs time, no decision.
class IndexHash {
public:
    explicit IndexHash(RuleIndex::Kind kind) { add_byte(static_cast<std::uint8_t>(kind)); }

    void add_byte(std::uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001b3; }
    void add(std::string_view bytes) {
        constexpr std::size_t step = sizeof(std::uint64_t);
        if (bytes.size() < step) return add_bytes(bytes);
        for (std::size_t at = 0; at + step <= bytes.size(); at += step) add_eight(bytes.data() + at);
        add_eight(bytes.data() + bytes.size() - step);  // the rest, with some of those before
    }
    // Each byte by itself, so that the hash of every part from the front can be had on the way.
    void add_bytes(std::string_view bytes) {
        for (const char c : bytes) add_byte(static_cast<std::uint8_t>(c));
    }
    void add_number(std::uint32_t number) {
        state_ = (state_ ^ number) * 0x9fb21c651e98df25;
        state_ ^= state_ >> 32;
    }
    std::uint64_t value() const {
        std::uint64_t out = state_;
        out = (out ^ out >> 33) * 0xff51afd7ed558ccd;
        out = (out ^ out >> 33) * 0xc4ceb9fe1a85ec53;
        return out ^ out >> 33;
    }

private:
    void add_eight(const char* bytes) {
        std::uint64_t eight;
        std::memcpy(&eight, bytes, sizeof eight);
        state_ = (state_ ^ eight) * 0x9fb21c651e98df25;
        state_ ^= state_ >> 32;
    }

    std::uint64_t state_ = 0xcbf29ce484222325;
};

std::uint64_t text_key(RuleIndex::Kind kind, std::string_view text);
std::uint64_t folder_key(std::string_view folder);    // "/opt/", byte by byte from the front
std::uint64_t domain_key_hash(std::string_view key);  // of domain_key(), byte by byte from the back
std::uint64_t number_key(RuleIndex::Kind kind, std::uint32_t number);
// `length` counts bits of the 16-byte form; those of the address behind it don't matter.
std::uint64_t prefix_key(RuleIndex::Kind kind, const Address& address, unsigned length);
std::uint64_t port_key(std::uint16_t port, unsigned length);

// The keys of which a flow has one if it meets the term.
struct TermKeys {
    RuleIndex::Kind kind = RuleIndex::Kind::none;  // none: flows without any key may meet it
    std::vector<std::uint64_t> keys;
    std::vector<std::uint8_t> lengths;             // of prefixes and blocks of ports
    bool v4 = false, v6 = false;                   // families of these prefixes

    void clear();
};

// `out` is overwritten; its memory is used again.
void keys_of(const CompiledTerm& term, const Terms& terms, TermKeys& out);

}  // namespace doorward
