// SPDX-License-Identifier: GPL-2.0-or-later
// A map of bounded size that forgets what was not asked for longest.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <unordered_map>
#include <utility>

namespace doorward {

// Not thread-safe. Pointers stay valid until the entry is evicted or replaced.
template <class Key, class Value, class Hash>
class Lru {
public:
    explicit Lru(std::size_t capacity) : capacity_(capacity) { index_.reserve(capacity); }

    Value* find(const Key& key) {
        const auto found = index_.find(key);
        if (found == index_.end()) return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return &found->second->second;
    }

    Value& put(const Key& key, Value value) {
        if (Value* known = find(key)) return *known = std::move(value);
        if (entries_.empty() || entries_.size() < capacity_) {
            entries_.emplace_front(key, std::move(value));
            index_.emplace(key, entries_.begin());
        } else {
            reuse_oldest(key, std::move(value));
        }
        return entries_.front().second;
    }

    // Newest first.
    const std::list<std::pair<Key, Value>>& entries() const { return entries_; }
    std::size_t size() const { return entries_.size(); }
    std::size_t evicted() const { return evicted_; }

private:
    // A full map stays so: its memory goes round.
    void reuse_oldest(const Key& key, Value value) {
        auto place = index_.extract(entries_.back().first);
        entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
        entries_.front() = {key, std::move(value)};
        place.key() = key;
        place.mapped() = entries_.begin();
        index_.insert(std::move(place));
        evicted_++;
    }

    std::size_t capacity_;
    std::size_t evicted_ = 0;
    std::list<std::pair<Key, Value>> entries_;
    std::unordered_map<Key, typename std::list<std::pair<Key, Value>>::iterator, Hash> index_;
};

// FNV-1a over the bytes of a trivially copyable key that has no padding.
struct HashBytes {
    template <class Key>
    std::size_t operator()(const Key& key) const {
        static_assert(std::has_unique_object_representations_v<Key>);
        const auto* bytes = reinterpret_cast<const unsigned char*>(&key);
        std::size_t hash = 14695981039346656037u;
        for (std::size_t i = 0; i < sizeof(key); i++) hash = (hash ^ bytes[i]) * 1099511628211u;
        return hash;
    }
};

}  // namespace doorward
