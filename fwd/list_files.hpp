// SPDX-License-Identifier: GPL-2.0-or-later
// The files that named sets are made of.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "fwd/hash_key.hpp"
#include "fwd/rule_files.hpp"
#include "rules/value_group.hpp"

struct stat;

namespace doorward {

// Lists are read once for as long as they stay the same file with the same size and times. Of one thread.
class ListFiles {
public:
    static constexpr std::size_t largest = std::size_t{256} << 20;

    // Trust::root: a list must be root's, or lie in the folder that doorward-lists fetches to, and
    // nobody else may write to it.
    explicit ListFiles(Trust trust = Trust::anybody) : trust_(trust) {}

    // Addresses and domains in the forms of rules/list_format.hpp; ports and digests one a line, '#'
    // begins a comment. Errors: the file can't be read, is no list, or has nothing of this kind in it.
    Result<std::shared_ptr<const ListedValues>> read(const std::string& path, SetKind kind);

    // Whether one of those that were asked for is another file by now, is gone, or has come.
    bool changed() const;

private:
    struct Identity {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t mtime_ns = 0, ctime_ns = 0;
        bool operator==(const Identity&) const = default;
    };
    struct Entry {
        Identity identity;
        std::shared_ptr<const ListedValues> values;
    };
    static Identity identity_of(const struct stat& info);
    Result<std::string> load(const std::string& path, Identity& identity) const;

    Trust trust_;
    const Result<HashKey> key_ = random_hash_key();
    std::map<std::pair<std::string, SetKind>, Entry> entries_;
};

}  // namespace doorward
