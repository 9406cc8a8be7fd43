// SPDX-License-Identifier: GPL-2.0-or-later
// A rule file as lines, and which of them a rule takes up. Used by the edits only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.hpp"

namespace doorward {

class RuleLines {
public:
    // Lines of a rule, counted from 0; `last` is one past its end.
    struct Block {
        std::size_t comments = 0;  // first of the comment lines that belong to it
        std::size_t first = 0;     // the line of its dash
        std::size_t last = 0;
        std::size_t dash = 0;      // columns, counted from 0
        std::size_t keys = 0;
    };

    explicit RuleLines(std::string_view text);

    std::size_t size() const { return lines_.size(); }
    std::string join() const;
    const std::string& line_end() const { return line_end_; }

    // Of the item (a rule, a group of rules) whose first key is at `place`. Nothing if it is not
    // written as "- key: …" on a line of its own.
    std::optional<Block> block_at(const Place& place) const;

    // Without its line end.
    std::string_view content(std::size_t at) const;
    bool is_blank(std::size_t at) const;
    bool is_comment(std::size_t at) const;
    std::size_t indent(std::size_t at) const;

    void replace(std::size_t at, std::string_view content);
    void erase(std::size_t first, std::size_t last);
    // Before line `at`; `lines` ends in '\n', each of its lines is indented by `spaces`.
    void insert(std::size_t at, std::string_view lines, std::size_t spaces);

private:
    std::vector<std::string> lines_;  // each with its line end
    std::string line_end_ = "\n";
};

}  // namespace doorward
