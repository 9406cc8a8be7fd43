// SPDX-License-Identifier: GPL-2.0-or-later
// The audit database as a file: who may read it, and how a bad one is moved out of the way.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "rules/result.hpp"

namespace doorward {

// Makes the folder (0750) and an empty file where they are missing. An existing file gets mode 0640
// and the group too; an existing folder is left alone. `group`: a gid, or -1 to keep what is there.
// SQLite gives its -wal and -shm files the same owner and mode.
//
// Only while this process does not have the database open: closing any descriptor of a file drops
// the process's POSIX locks on it, SQLite's among them.
Result<void> prepare_audit_file(const std::string& path, std::int64_t group);

// Renames the database to "<path>.<why>-<UTC time>", with its -wal and -shm so that it can still be
// examined as a whole. Returns the new name. Nothing is overwritten.
Result<std::string> set_aside_audit_file(const std::string& path, std::string_view why,
                                         std::time_t now);

// Removes the oldest of the databases that were set aside for the same reason, but for `keep` of them; `newest`
// (its name) is one of those. How many went.
Result<std::size_t> remove_set_aside(const std::string& path, std::string_view why, std::size_t keep,
                                     const std::string& newest);

// True if the database is empty but has -wal or -shm files: what remains of another that was moved
// or removed without them. They must not be taken for the new one's own.
bool has_leftovers(const std::string& path);

// Which file a path names: differs once it has been renamed, removed or replaced.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    bool operator==(const FileIdentity&) const = default;
};

// All zero if there is no such file.
FileIdentity identity_of(const std::string& path);

}  // namespace doorward
