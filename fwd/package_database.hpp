// SPDX-License-Identifier: GPL-2.0-or-later
// Which package a file is part of, by the package managers' own databases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <time.h>

#include "fwd/dpkg_files.hpp"
#include "fwd/rpm_database.hpp"

namespace doorward {

// Reads dpkg's database when it is first asked, and again when it has changed; that takes a file for
// each package. rpm's is asked each time, about what dpkg doesn't know. Used by one thread, not the packet
// path's.
class PackageDatabase {
public:
    // `root` is "" but in tests.
    explicit PackageDatabase(std::string root = "");

    // Name of the package that lists this path; empty if there is none, or no such database. It is a
    // word about the path: whether the file there is the one that was meant is the caller's to know.
    std::string owner(const std::string& path);

    bool exists() const;  // whether there is a database of dpkg's at all
    std::size_t paths() const { return index_.size(); }
    std::size_t left_out() const { return index_.left_out(); }

private:
    struct Stamp {
        timespec info{}, diversions{};
    };

    Stamp stamp() const;
    void read();
    std::string read_list(const std::string& file_name) const;
    std::string dpkg_owner(const std::vector<ListedAs>& names) const;
    bool lists(std::uint32_t package, const std::string& path) const;

    std::string root_;
    std::string folder_;
    std::optional<Stamp> read_at_;
    std::vector<std::string> list_files_;  // by number of the package
    std::vector<std::string> merged_;
    std::vector<Diversion> diversions_;
    PathIndex index_;
    RpmDatabase rpm_;
};

}  // namespace doorward
