// SPDX-License-Identifier: GPL-2.0-or-later
// A rule file as a tree of entries, each with the comments that belong to it. Used by file_format.cpp
// only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/yaml_comments.hpp"

namespace doorward {

struct LayoutComment {
    std::string_view text;
    bool blank_before = false;
};

// A key of a map with its value, or an item of a list.
struct LayoutEntry {
    const YamlNode* key = nullptr;    // null: of a list, or the whole document
    const YamlNode* value = nullptr;  // null: none
    std::size_t parent = 0;
    int line = 0;
    int column = 0;                   // of the key or the dash
    std::size_t offset = 0;
    bool in_flow = false;             // within [] or {}
    bool blank_before = false;
    std::vector<LayoutComment> heads;      // above it
    std::vector<LayoutComment> tails;      // below it, and nothing of the same list or map follows
    std::vector<std::string_view> ends;    // behind it
    std::vector<std::size_t> children;

    bool has_comments() const { return !heads.empty() || !tails.empty() || !ends.empty(); }
};

// The whole document is the first entry; its heads are the comments of a file without anything else.
// Views only: `text` and `root` must outlive this.
std::vector<LayoutEntry> layout_of(const YamlText& text, const YamlNode& root,
                                   const std::vector<YamlComment>& comments);

}  // namespace doorward
