// SPDX-License-Identifier: GPL-2.0-or-later
// A keyed hash of domain names that grows label by label, from the last one to the first.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace doorward {

// Secret and random, new in every process: whoever writes a list must not be able to choose names
// that fall on one place of a table. rules/ has no randomness, so the caller gives it.
struct HashKey {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

// SipHash with one round for each word and three at the end, as tables use it. One pass over a name
// gives the hash of each of the domains that it is below of. Allocates nothing.
class LabelHash {
public:
    explicit LabelHash(const HashKey& key)
        : a_(key.first ^ 0x736f6d6570736575),
          b_(key.second ^ 0x646f72616e646f6d),
          c_(key.first ^ 0x6c7967656e657261),
          d_(key.second ^ 0x7465646279746573) {}

    // The label in front of those added so far. Its last word holds its length, so that "ab.c" and
    // "a.bc" differ.
    void add(std::string_view label) {
        const std::uint64_t size = label.size();
        for (; label.size() >= sizeof(std::uint64_t); label.remove_prefix(sizeof(std::uint64_t)))
            absorb(word(label.substr(0, sizeof(std::uint64_t))));
        absorb(word(label) | size << 56);
    }

    // Of all labels added so far; more may follow.
    std::uint32_t value() const {
        LabelHash end = *this;
        end.c_ ^= 0xff;
        for (int i = 0; i < 3; ++i) end.round();
        const std::uint64_t all = end.a_ ^ end.b_ ^ end.c_ ^ end.d_;
        return static_cast<std::uint32_t>(all ^ all >> 32);
    }

private:
    // Up to eight bytes. No copy of a length that the compiler doesn't know: that is a call.
    static std::uint64_t word(std::string_view bytes) {
        std::uint64_t out = 0;
        if (bytes.size() == sizeof out) {
            std::memcpy(&out, bytes.data(), sizeof out);
            return out;
        }
        for (const char byte : bytes) out = out << 8 | static_cast<std::uint8_t>(byte);
        return out;
    }

    void absorb(std::uint64_t word) {
        d_ ^= word;
        round();
        a_ ^= word;
    }

    void round() {
        a_ += b_;
        c_ += d_;
        b_ = std::rotl(b_, 13) ^ a_;
        d_ = std::rotl(d_, 16) ^ c_;
        a_ = std::rotl(a_, 32);
        c_ += b_;
        a_ += d_;
        b_ = std::rotl(b_, 17) ^ c_;
        d_ = std::rotl(d_, 21) ^ a_;
        c_ = std::rotl(c_, 32);
    }

    std::uint64_t a_, b_, c_, d_;
};

}  // namespace doorward
