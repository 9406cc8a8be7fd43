// SPDX-License-Identifier: GPL-2.0-or-later
// The folder with the fetched lists: for each a file by its name, and NAME.state.json.
//
// It belongs to the user who fetches; whoever reads it as another one must take its files for what
// somebody else wrote: of any size and content. read_list_file() is made for that.
#pragma once

#include <string>

#include "fwd/handle.hpp"
#include "fwd/list_state.hpp"

namespace doorward {

// A regular file, whole; refused if it is longer. Follows no symbolic link, waits for no writer.
Result<std::string> read_list_file(const std::string& path, std::size_t max_bytes);

// The state of a list; empty if there is none, or none of `source`.
ListState read_list_state(const std::string& folder, const std::string& name,
                          const std::string& source);

// For the one who fetches: only one process at a time.
class ListFolder {
public:
    // Fails if another process has it. Removes what a process that was killed has left behind.
    static Result<ListFolder> lock(const std::string& path);

    const std::string& path() const { return path_; }

    // Written so that a reader sees the old text or the new, whole.
    Result<void> write_list(const std::string& name, std::string_view text) const;
    Result<void> write_state(const std::string& name, const ListState& state) const;

private:
    ListFolder(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::string path_;
    Fd lock_;
};

}  // namespace doorward
