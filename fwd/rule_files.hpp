// SPDX-License-Identifier: GPL-2.0-or-later
// Rule files on disk → rules. Used by the daemon and, offline, by the command.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "rules/ruleset.hpp"

namespace doorward {

struct RuleFile {
    std::string path;
    std::string text;
    mode_t mode = 0644;
    uid_t owner = 0;
    gid_t group = 0;
};

// Who may have written what is read.
enum class Trust : std::uint8_t {
    root,     // only root: folder and files must be root's, and nobody else's to write
    anybody,  // for a look at files that are not in force
};

// Bounds of what is read: a folder that exceeds one is refused, not cut.
struct RuleFileLimits {
    std::size_t files = 1024;
    std::size_t file_bytes = std::size_t{64} << 20;
    std::size_t total_bytes = std::size_t{256} << 20;
};

// Whether it is one within a folder: not hidden, and no path.
bool is_rule_file_name(std::string_view name);

// One file. Symbolic links and everything that is no regular file are refused.
Result<RuleFile> read_rule_file(const std::string& path, Trust trust, std::size_t max_bytes);

// Every *.yaml of a folder in byte order of the names; hidden files and other names are left alone.
// A folder without any is no error.
Result<std::vector<RuleFile>> read_rule_files(const std::string& folder, Trust trust,
                                              const RuleFileLimits& limits = {});

class ListFiles;

// Users from the system's user database, paths from the file system, lists by `lists` or, with
// `trust`, by an object of its own.
Environment system_environment(Trust trust = Trust::anybody);
Environment system_environment(const std::shared_ptr<ListFiles>& lists);

}  // namespace doorward
