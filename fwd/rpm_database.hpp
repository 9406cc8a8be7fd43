// SPDX-License-Identifier: GPL-2.0-or-later
// Which package a file is part of, by rpm's own database (SQLite; those of BDB and NDB are not read).
#pragma once

#include <string>
#include <vector>

namespace doorward {

// Asks anew each time, as the database may be replaced as a whole. Nothing in its folder is written or
// made. Used by one thread at a time, not the packet path's.
class RpmDatabase {
public:
    // `root` is "" but in tests.
    explicit RpmDatabase(std::string root = "") : root_(std::move(root)) {}

    // Name of the package that has put a file there, `names` being the absolute paths that lead to it;
    // empty if there is none, no such database, or it can't be read now.
    std::string owner(const std::vector<std::string>& names) const;

private:
    std::string root_;
};

}  // namespace doorward
