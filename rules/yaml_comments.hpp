// SPDX-License-Identifier: GPL-2.0-or-later
// Where the comments of a YAML text are, which its parser passes over. Used by file_layout.cpp only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"
#include "rules/yaml_source.hpp"

namespace doorward {

struct YamlComment {
    std::size_t offset = 0;  // of its '#'
    int line = 0;            // both from 1
    int column = 0;          // if it stands behind a dash, the dash's
    std::string_view text;   // from the '#' to the end of the line, without blanks at its end
    bool own_line = false;   // nothing before it in its line that it could belong to
    bool blank_before = false;
};

// Offsets of lines, and what is in them.
class YamlText {
public:
    // Views only: the text, with '\n' at line ends, must outlive this.
    explicit YamlText(std::string_view text);

    std::string_view text() const { return text_; }
    std::size_t offset(int line, int column) const;   // the end of the text if beyond it
    std::string_view before(int line, int column) const;  // what is in the line before that column
    bool blank_above(int line) const;                 // false of the first line

private:
    std::string_view text_;
    std::vector<std::size_t> lines_;
};

// `root` is what load_yaml() made of the text. Refused: what leaves it open what is a comment, and
// values as blocks ("|", ">").
Result<std::vector<YamlComment>> find_comments(const YamlText& text, const YamlNode& root,
                                               const std::string& file_name);

// One past the quoted value that begins at `at`.
std::size_t end_of_quoted(std::string_view text, std::size_t at);

}  // namespace doorward
