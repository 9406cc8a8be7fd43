// SPDX-License-Identifier: GPL-2.0-or-later
// What dpkg keeps of its packages' files: which package a path belongs to. Pure: texts and values in,
// values out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace doorward {

// "libc6:amd64.list" → "libc6"; empty if this is the name of no such file.
std::string package_of_list(std::string_view file_name);

// Calls `each` with every path of the text of a list, which has one a line.
void each_listed_path(std::string_view text, const std::function<void(std::string_view)>& each);

// One entry of /var/lib/dpkg/diversions: `from` belongs to `package`, and the same file of every
// other package was put at `to`.
struct Diversion {
    std::string from;
    std::string to;
    std::string package;  // ":" for one that the administrator made

    bool operator==(const Diversion&) const = default;
};

// Three lines for each; a rest that is cut short is left out.
std::vector<Diversion> parse_diversions(std::string_view text);

// A name under which dpkg may list a file.
struct ListedAs {
    std::string path;
    std::string only;  // if not empty: only this package's file is there
    std::string never; // if not empty: this package's file is not there

    bool operator==(const ListedAs&) const = default;
};

// The names under which the file at `path` may be listed. `merged`: the folders of the root that are
// links to the same below /usr ("bin", "lib"): packages list files there under either name.
std::vector<ListedAs> listed_as(const std::string& path, const std::vector<std::string>& merged,
                                const std::vector<Diversion>& diversions);

// Path → packages, in 16 bytes a path: by hash, so an answer is only where to look.
class PathIndex {
public:
    static constexpr std::size_t most_paths = std::size_t{4} << 20;

    void add(std::string_view path, std::uint32_t package);
    void seal();  // before the first find()

    // Packages that may list the path; others don't.
    std::vector<std::uint32_t> find(std::string_view path) const;

    std::size_t size() const { return entries_.size(); }
    std::size_t left_out() const { return left_out_; }  // paths beyond most_paths

private:
    struct Entry {
        std::uint64_t path = 0;
        std::uint32_t package = 0;
        auto operator<=>(const Entry&) const = default;
    };

    std::vector<Entry> entries_;
    std::size_t left_out_ = 0;
};

}  // namespace doorward
