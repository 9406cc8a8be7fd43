// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_comments.hpp"

#include <algorithm>

namespace doorward {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Where values begin that are in quotes; refuses those that could be mistaken for comments or hold some.
class Quotes {
public:
    Quotes(const YamlText& text, const std::string& file) : text_(text), file_(file) {}

    Result<void> visit(const YamlNode& node) {
        for (const YamlNode& child : node.children)
            if (auto done = visit(child); !done) return done;
        if (!node.is_scalar()) return {};
        const std::size_t at = text_.offset(node.line, node.column);
        const char first = at < text_.text().size() ? text_.text()[at] : '\0';
        if (first == '"' || first == '\'') {
            starts.push_back(at);
            return {};
        }
        if (first == '|' || first == '>')
            return fail("this value is written as a block", "write it in one line, in quotes",
                        {file_, node.line, node.column});
        if (node.scalar.find(" #") != std::string::npos || node.scalar.starts_with('#'))
            return fail("it is not clear where a comment begins in this value",
                        "write the value in one line, in quotes", {file_, node.line, node.column});
        return {};
    }

    std::vector<std::size_t> starts;

private:
    const YamlText& text_;
    const std::string& file_;
};

// Only dashes of lists and of the document's start, or dots of its end.
bool is_all_marks(std::string_view before) {
    return before.find_first_not_of(" \t-.") == before.npos;
}

YamlComment comment_at(const YamlText& text, std::size_t at, int line, std::size_t line_begin) {
    YamlComment out;
    out.offset = at;
    out.line = line;
    const std::string_view whole = text.text();
    out.text = whole.substr(at, std::min(whole.find('\n', at), whole.size()) - at);
    while (is_blank(out.text.back())) out.text.remove_suffix(1);
    const auto before = whole.substr(line_begin, at - line_begin);
    out.own_line = is_all_marks(before);
    const auto mark = before.find_first_not_of(" \t");
    out.column = static_cast<int>(out.own_line && mark != before.npos ? mark : before.size()) + 1;
    out.blank_before = text.blank_above(line);
    return out;
}

}  // namespace

YamlText::YamlText(std::string_view text) : text_(text) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\n') lines_.push_back(i + 1);
}

std::size_t YamlText::offset(int line, int column) const {
    if (line < 1 || static_cast<std::size_t>(line) > lines_.size()) return text_.size();
    return std::min(lines_[static_cast<std::size_t>(line) - 1] + static_cast<std::size_t>(column) - 1,
                    text_.size());
}

std::string_view YamlText::before(int line, int column) const {
    const std::size_t begin = offset(line, 1);
    return text_.substr(begin, offset(line, column) - begin);
}

bool YamlText::blank_above(int line) const {
    if (line < 2) return false;
    const std::size_t begin = offset(line - 1, 1);
    return text_.substr(begin, offset(line, 1) - begin).find_first_not_of(" \t\n") == text_.npos;
}

std::size_t end_of_quoted(std::string_view text, std::size_t at) {
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\') ++at;
        else if (text[at] == quote && quote == '\'' && at + 1 < text.size() && text[at + 1] == quote)
            ++at;
        else if (text[at] == quote) return at + 1;
    }
    return text.size();
}

Result<std::vector<YamlComment>> find_comments(const YamlText& text, const YamlNode& root,
                                               const std::string& file_name) {
    Quotes quotes(text, file_name);
    if (auto done = quotes.visit(root); !done) return std::unexpected(done.error());
    std::ranges::sort(quotes.starts);
    std::vector<YamlComment> out;
    const std::string_view whole = text.text();
    auto quote = quotes.starts.begin();
    int line = 1;
    std::size_t line_begin = 0;
    bool after_quote = false;
    for (std::size_t at = 0; at < whole.size();) {
        std::size_t end = at + 1;
        const bool quoted = quote != quotes.starts.end() && *quote == at;
        if (quoted) {
            ++quote;
            end = end_of_quoted(whole, at);
        } else if (whole[at] == '#' && (at == line_begin || is_blank(whole[at - 1]))) {
            out.push_back(comment_at(text, at, line, line_begin));
            end = std::min(whole.find('\n', at), whole.size());
        } else if (whole[at] == '#' &&
                   (after_quote || std::string_view("[]{},:?").contains(whole[at - 1]))) {
            return fail("it is not clear whether a comment begins here",
                        "put a blank before the #, or the value in quotes",
                        {file_name, line, static_cast<int>(at - line_begin) + 1});
        }
        for (std::size_t i = at; i < end; ++i)
            if (whole[i] == '\n') ++line, line_begin = i + 1;
        after_quote = quoted;
        at = end;
    }
    return out;
}

}  // namespace doorward
