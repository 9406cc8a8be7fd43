// SPDX-License-Identifier: GPL-2.0-or-later
// What was found out about executables' files, by version of the file.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "fwd/executable_file.hpp"
#include "fwd/lru.hpp"
#include "rules/content.hpp"

namespace doorward {

// The path belongs to it because a package owns paths.
struct ContentKey {
    FileVersion version;
    std::string path;

    bool operator==(const ContentKey&) const = default;
};

struct ContentKeyHash {
    std::size_t operator()(const ContentKey& key) const {
        return HashBytes{}(key.version) ^ std::hash<std::string>{}(key.path);
    }
};

using SharedContent = std::shared_ptr<const ExecutableContent>;

// Any thread; no system call is made under its lock.
class ContentCache {
public:
    // What is missing may appear, and a file that no package owned yet may be one that is being
    // installed: such answers are good for this long. All others as long as the file's version.
    static constexpr std::uint64_t fleeting_ns = 2'000'000'000;

    explicit ContentCache(std::size_t capacity) : capacity_(capacity), known_(capacity) {}

    // Null unless all of `wanted` was asked for. `now_ns`: CLOCK_MONOTONIC, as in put().
    SharedContent find(const ContentKey& key, Facts wanted, std::uint64_t now_ns);

    // Adds to what is known of this version; facts that were asked for again are replaced.
    void put(const ContentKey& key, const ExecutableContent& found, std::uint64_t now_ns);

    std::size_t capacity() const { return capacity_; }
    std::size_t size() const;
    std::size_t evicted() const;

private:
    struct Entry {
        SharedContent content;
        Facts fleeting;               // good until then only
        std::uint64_t until_ns = 0;
    };

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    Lru<ContentKey, Entry, ContentKeyHash> known_;
};

}  // namespace doorward
