// SPDX-License-Identifier: GPL-2.0-or-later
// Millions of domain names, immutable and exact: what a blocklist says, ready to be asked.
//
//   DomainSetBuilder builder(key);                    // key: random, from the caller
//   builder.add("ads.example", Covers::both);
//   const DomainSet set = std::move(builder).finish();
//   set.contains("www.ads.example");                  // any thread, any number of them
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/label_hash.hpp"

namespace doorward {

// Which names an entry "example.org" speaks of.
enum class Covers : std::uint8_t {
    itself = 1,  // "example.org"
    below = 2,   // "*.example.org", as in rules: every name that ends in ".example.org"
    both = 3,
};

// What an entry says of them. An exception takes names out whatever lists them, unless an entry
// insists. Exceptions hold for the whole set: a list whose exceptions shall not reach into another
// list needs a set of its own.
enum class Listing : std::uint8_t { listed, excepted, insisted };

class DomainSet {
public:
    DomainSet() = default;  // empty

    // `name` must be normal (normal_host_name); any other bytes are answered too, with "no" unless
    // they end in an entry. Allocates nothing; time grows with the length of the name only.
    bool contains(std::string_view name) const;

    // The longest entry that puts `name` into the set, as a part of `name`; nothing if it is not in.
    std::optional<std::string_view> entry_of(std::string_view name) const;

    // Names with at least one entry.
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    // Bytes, all of it.
    std::size_t memory() const;

    // Calls take(name, Covers, Listing) with every entry, duplicates merged; in the order in which
    // names were first added.
    template <class Take>
    void each(const Take& take) const {
        for (std::size_t at = 0; at < arena_.size();) {
            const Stored stored = stored_at(at);
            for (unsigned listing = 0; listing < 3; ++listing)
                if (const unsigned covers = stored.flags >> (2 * listing) & 3u)
                    take(stored.name, static_cast<Covers>(covers), static_cast<Listing>(listing));
            at += header + stored.name.size();
        }
    }

private:
    friend class DomainSetBuilder;

    // A name in the arena: a byte of length, a byte of flags, the name. Flags: two bits (Covers) for
    // each Listing, the lowest for `listed`.
    static constexpr std::size_t header = 2;
    struct Stored {
        std::string_view name;
        std::uint8_t flags = 0;
    };
    Stored stored_at(std::size_t offset) const;
    std::uint8_t flags_of(std::string_view name, std::uint32_t hash) const;
    template <class Take>
    void walk(std::string_view name, const Take& take) const;

    HashKey key_;
    std::size_t size_ = 0;
    std::vector<char> arena_;
    // Open addressing: for each place a byte of the hash (0: nobody here), so that a miss reads no
    // name, and where the name is in the arena.
    std::vector<std::uint8_t> tags_;
    std::vector<std::uint32_t> offsets_;
};

// Collects entries. Not thread-safe.
class DomainSetBuilder {
public:
    // What does not fit is refused and must be counted by the caller.
    struct Limits {
        std::size_t names = std::size_t{1} << 24;
        std::size_t bytes = std::size_t{1} << 30;  // names with two bytes each; under 4 GiB
    };
    enum class Added : std::uint8_t {
        added,
        merged,   // the name was there already; now its entry says both things
        refused,  // no room, or no name
    };

    explicit DomainSetBuilder(const HashKey& key);
    DomainSetBuilder(const HashKey& key, const Limits& limits);

    // `name` must be normal (normal_host_name); one that is empty or longer than 253 bytes is
    // refused.
    Added add(std::string_view name, Covers covers, Listing listing = Listing::listed);

    std::size_t size() const { return size_; }

    DomainSet finish() &&;

private:
    struct Slot {
        std::uint32_t offset = 0;  // into the arena, plus one; 0: nobody here
        std::uint32_t hash = 0;
    };
    // The place of `name`, or the free one where it belongs.
    Slot& find(std::string_view name, std::uint32_t hash);
    void grow();

    HashKey key_;
    Limits limits_;
    std::size_t size_ = 0;
    std::vector<char> arena_;
    std::vector<Slot> slots_;
};

}  // namespace doorward
