// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/file_layout.hpp"

#include <algorithm>

namespace doorward {

namespace {

class LayoutBuilder {
public:
    LayoutBuilder(const YamlText& text, const YamlNode& root) : text_(text) {
        entries_.push_back({});
        entries_.front().value = &root;
        add_children(0);
    }

    std::vector<LayoutEntry> take(const std::vector<YamlComment>& comments) {
        for (const YamlComment& comment : comments) {
            const std::size_t next = first_after(comment.offset);
            if (entries_.size() == 1) entries_[0].heads.push_back(head_of(comment));
            else if (comment.own_line || next == 1) add_own_line(comment, next);
            else entries_[owner(comment, next - 1)].ends.push_back(comment.text);
        }
        return std::move(entries_);
    }

private:
    static LayoutComment head_of(const YamlComment& comment) {
        return {comment.text, comment.blank_before};
    }

    void add_children(std::size_t parent) {
        const YamlNode& value = *entries_[parent].value;
        const bool flow = is_flow(value) || entries_[parent].in_flow;
        for (std::size_t i = 0; i < value.children.size(); i += value.is_map() ? 2 : 1) {
            LayoutEntry entry;
            const YamlNode& first = value.children[i];
            if (value.is_map()) entry.key = &first;
            entry.value = value.is_map() ? &value.children[i + 1] : &first;
            entry.parent = parent;
            entry.line = first.line;
            entry.column = value.is_map() || flow ? first.column : dash_of(first);
            entry.offset = text_.offset(first.line, first.column);
            entry.in_flow = flow;
            entry.blank_before = text_.blank_above(first.line);
            const std::size_t number = entries_.size();
            entries_.push_back(std::move(entry));
            entries_[parent].children.push_back(number);
            add_children(number);
        }
    }

    bool is_flow(const YamlNode& node) const {
        const std::size_t at = text_.offset(node.line, node.column);
        return (node.is_map() || node.is_sequence()) && at < text_.text().size() &&
               (text_.text()[at] == '[' || text_.text()[at] == '{');
    }

    int dash_of(const YamlNode& item) const {
        const auto before = text_.before(item.line, item.column);
        const auto last = before.find_last_not_of(" \t");
        return last != before.npos && before[last] == '-' ? static_cast<int>(last) + 1 : item.column;
    }

    // Entries are in the order of the text. A list's item begins with its first key.
    std::size_t first_after(std::size_t offset) const {
        const auto found = std::ranges::upper_bound(entries_.begin() + 1, entries_.end(), offset, {},
                                                    &LayoutEntry::offset);
        return static_cast<std::size_t>(found - entries_.begin());
    }

    bool is_within(std::size_t entry, std::size_t outer) const {
        while (entry > outer) entry = entries_[entry].parent;
        return entry == outer;
    }

    void add_own_line(const YamlComment& comment, std::size_t next) {
        const std::size_t last = next - 1;
        const bool more = next < entries_.size();
        if (more && (last == 0 || comment.column <= entries_[next].column || is_within(next, last)))
            return entries_[next].heads.push_back(head_of(comment));
        std::size_t of = last;
        // At the very left below all there is, it is the file's.
        const bool of_file = !more && comment.column == 1;
        while (entries_[of].parent != 0 && (of_file || entries_[of].column > comment.column))
            of = entries_[of].parent;
        if (more && entries_[of].parent == entries_[next].parent)
            return entries_[next].heads.push_back(head_of(comment));
        entries_[of].tails.push_back(head_of(comment));
    }

    // Whose line end a comment stands at: of what comes last before it, or of the list or the map in
    // brackets that ends between the two.
    std::size_t owner(const YamlComment& comment, std::size_t entry) const {
        const std::string_view text = text_.text();
        int open = 0, closed = 0;
        for (std::size_t at = entries_[entry].offset; at < comment.offset;) {
            const char c = text[at];
            if (c == '"' || c == '\'') {
                const char before = at == 0 ? ' ' : text[at - 1];
                if (at == entries_[entry].offset || std::string_view(" \t\n,[{:").contains(before)) {
                    at = end_of_quoted(text, at);
                    continue;
                }
            }
            if (c == '[' || c == '{') ++open;
            if (c == ']' || c == '}') open > 0 ? --open : ++closed;
            ++at;
        }
        for (; closed > 0 && entries_[entry].in_flow && entries_[entry].parent != 0; --closed)
            entry = entries_[entry].parent;
        return entry;
    }

    const YamlText& text_;
    std::vector<LayoutEntry> entries_;
};

}  // namespace

std::vector<LayoutEntry> layout_of(const YamlText& text, const YamlNode& root,
                                   const std::vector<YamlComment>& comments) {
    return LayoutBuilder(text, root).take(comments);
}

}  // namespace doorward
