// SPDX-License-Identifier: GPL-2.0-or-later
// A script's path → the same file's path without symbolic links, as rules are resolved too.
#pragma once

#include <cstdint>
#include <string>

#include "fwd/handle.hpp"

namespace doorward {

struct ScriptFile {
    std::string path;
    // Of the file that is there at this moment, as stat() shows them; 0: not known.
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

// Between a program's exec and this look at its path, somebody may put a link of theirs in the way: a
// link is followed only where nobody but root could have put it, that is where each folder down to
// it belongs to root and is writable for no one else.
//
// Asks the kernel's cache of names only, where a script that has just been opened is: never a disk,
// never another host. Thread-safe.
class ScriptFiles {
public:
    // Looks into the mount tree of the first process, where there is one to be looked into: the
    // daemon's own may be a sandbox.
    ScriptFiles();
    // For tests: a folder as root of the tree.
    ScriptFiles(const std::string& root, std::uint32_t mount_namespace);

    // `path` is absolute and has no "..". It is returned as it is, without a file, where a link can't be
    // followed, and in other mount namespaces.
    ScriptFile find(const std::string& path, std::uint32_t mount_namespace) const;

private:
    Fd root_;
    std::uint32_t mount_namespace_ = 0;
};

}  // namespace doorward
