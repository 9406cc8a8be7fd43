// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/domain_set.hpp"

#include <algorithm>
#include <utility>

#include "rules/domain_name.hpp"

namespace doorward {
namespace {

constexpr std::size_t first_slots = 1024;

// One bit for each Listing: those that speak of the name itself, and of what is below it.
constexpr unsigned itself_bits = 0b010101, below_bits = 0b101010;
constexpr unsigned listed = 1u << (2 * static_cast<unsigned>(Listing::listed));
constexpr unsigned excepted = 1u << (2 * static_cast<unsigned>(Listing::excepted));
constexpr unsigned insisted = 1u << (2 * static_cast<unsigned>(Listing::insisted));

// Spreads hashes over any number of places in their order, so that a table is refilled from front
// to back when it grows.
std::size_t place(std::uint32_t hash, std::size_t places) {
    return static_cast<std::size_t>(std::uint64_t{hash} * places >> 32);
}

// The lowest bits say nothing about the place: names side by side differ in them.
std::uint8_t tag_of(std::uint32_t hash) {
    const auto tag = static_cast<std::uint8_t>(hash);
    return tag == 0 ? 1 : tag;
}

std::string_view name_at(const std::vector<char>& arena, std::size_t offset, std::size_t header) {
    return {arena.data() + offset + header, static_cast<std::uint8_t>(arena[offset])};
}

std::uint32_t hash_of(std::string_view name, const HashKey& key) {
    LabelHash hash(key);
    for (;;) {
        const auto dot = name.rfind('.');
        if (dot == name.npos) break;
        hash.add(name.substr(dot + 1));
        name = name.substr(0, dot);
    }
    hash.add(name);
    return hash.value();
}

bool holds(unsigned found) {
    return (found & insisted) || (found & (listed | excepted)) == listed;
}

}  // namespace

DomainSet::Stored DomainSet::stored_at(std::size_t offset) const {
    return {name_at(arena_, offset, header), static_cast<std::uint8_t>(arena_[offset + 1])};
}

std::uint8_t DomainSet::flags_of(std::string_view name, std::uint32_t hash) const {
    const std::uint8_t tag = tag_of(hash);
    for (std::size_t at = place(hash, tags_.size()); tags_[at] != 0;) {
        if (tags_[at] == tag)
            if (const Stored stored = stored_at(offsets_[at]); stored.name == name)
                return stored.flags;
        if (++at == tags_.size()) at = 0;
    }
    return 0;
}

// Calls take(domain, bits) with each domain of `name`, the shortest first, and `listed`, `excepted`
// and `insisted` as far as an entry for it speaks of `name`.
template <class Take>
void DomainSet::walk(std::string_view name, const Take& take) const {
    if (size_ == 0 || name.empty()) return;
    LabelHash hash(key_);
    for (std::size_t end = name.size();;) {
        const auto dot = end == 0 ? name.npos : name.rfind('.', end - 1);
        const std::size_t start = dot == name.npos ? 0 : dot + 1;
        hash.add(name.substr(start, end - start));
        const std::string_view domain = name.substr(start);
        if (domain.size() > longest_host_name) return;
        const unsigned flags = flags_of(domain, hash.value());
        if (start == 0) return take(domain, flags & itself_bits);
        take(domain, (flags & below_bits) >> 1);
        end = dot;
    }
}

bool DomainSet::contains(std::string_view name) const {
    unsigned found = 0;
    walk(name, [&](std::string_view, unsigned bits) { found |= bits; });
    return holds(found);
}

std::optional<std::string_view> DomainSet::entry_of(std::string_view name) const {
    unsigned found = 0;
    std::string_view longest;
    walk(name, [&](std::string_view domain, unsigned bits) {
        found |= bits;
        if (bits & (listed | insisted)) longest = domain;
    });
    if (!holds(found)) return std::nullopt;
    return longest;
}

std::size_t DomainSet::memory() const {
    return sizeof *this + arena_.capacity() + tags_.capacity() +
           offsets_.capacity() * sizeof(offsets_[0]);
}

DomainSetBuilder::DomainSetBuilder(const HashKey& key) : DomainSetBuilder(key, Limits{}) {}

DomainSetBuilder::DomainSetBuilder(const HashKey& key, const Limits& limits)
    : key_(key), limits_(limits) {
    constexpr std::size_t most_bytes = 0xfffffffe;  // what an offset can say
    limits_.bytes = std::min(limits_.bytes, most_bytes);
}

DomainSetBuilder::Slot& DomainSetBuilder::find(std::string_view name, std::uint32_t hash) {
    for (std::size_t at = place(hash, slots_.size());;) {
        Slot& slot = slots_[at];
        if (slot.offset == 0) return slot;
        if (slot.hash == hash && name_at(arena_, slot.offset - 1, DomainSet::header) == name)
            return slot;
        if (++at == slots_.size()) at = 0;
    }
}

void DomainSetBuilder::grow() {
    const std::vector<Slot> old = std::exchange(
        slots_, std::vector<Slot>(slots_.empty() ? first_slots : slots_.size() * 2));
    for (const Slot& slot : old) {
        if (slot.offset == 0) continue;
        std::size_t at = place(slot.hash, slots_.size());
        while (slots_[at].offset != 0)
            if (++at == slots_.size()) at = 0;
        slots_[at] = slot;
    }
}

DomainSetBuilder::Added DomainSetBuilder::add(std::string_view name, Covers covers,
                                              Listing listing) {
    if (name.empty() || name.size() > longest_host_name) return Added::refused;
    if (size_ * 4 >= slots_.size() * 3) grow();
    const std::uint32_t hash = hash_of(name, key_);
    Slot& slot = find(name, hash);
    const auto flags =
        static_cast<std::uint8_t>(static_cast<unsigned>(covers) << (2 * static_cast<unsigned>(listing)));
    if (slot.offset != 0) {
        char& stored = arena_[slot.offset];  // offsets are one too large; the flags come second
        stored = static_cast<char>(static_cast<std::uint8_t>(stored) | flags);
        return Added::merged;
    }
    const std::size_t bytes = DomainSet::header + name.size();
    if (size_ == limits_.names || limits_.bytes - arena_.size() < bytes) return Added::refused;
    slot = {static_cast<std::uint32_t>(arena_.size() + 1), hash};
    arena_.push_back(static_cast<char>(name.size()));
    arena_.push_back(static_cast<char>(flags));
    arena_.insert(arena_.end(), name.begin(), name.end());
    ++size_;
    return Added::added;
}

DomainSet DomainSetBuilder::finish() && {
    DomainSet set;
    set.key_ = key_;
    set.size_ = size_;
    set.arena_ = std::vector<char>(arena_.begin(), arena_.end());  // without room to grow
    arena_ = {};
    const std::size_t places = size_ + size_ / 3 + 1;
    set.tags_.resize(places);
    set.offsets_.resize(places);
    for (const Slot& slot : slots_) {
        if (slot.offset == 0) continue;
        std::size_t at = place(slot.hash, places);
        while (set.tags_[at] != 0)
            if (++at == places) at = 0;
        set.tags_[at] = tag_of(slot.hash);
        set.offsets_[at] = slot.offset - 1;
    }
    slots_ = {};
    size_ = 0;
    return set;
}

}  // namespace doorward
