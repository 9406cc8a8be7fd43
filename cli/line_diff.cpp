// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/line_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace doorward {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t context = 3;
constexpr std::size_t most_cells = std::size_t{4} << 20;

struct Line {
    char sign;  // ' ', '-' or '+'
    std::string_view text;
};

Lines lines_of(std::string_view text) {
    Lines out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
        out.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return out;
}

// How long the longest sequence of lines is that both have from (i, j) on.
std::vector<std::uint32_t> common(const Lines& a, const Lines& b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::uint32_t> table((a.size() + 1) * width);
    for (std::size_t i = a.size(); i-- > 0;)
        for (std::size_t j = b.size(); j-- > 0;)
            table[i * width + j] = a[i] == b[j]
                                       ? table[(i + 1) * width + j + 1] + 1
                                       : std::max(table[(i + 1) * width + j], table[i * width + j + 1]);
    return table;
}

void add_changed(const Lines& a, const Lines& b, std::vector<Line>& out) {
    std::size_t i = 0, j = 0;
    if (a.size() * b.size() <= most_cells) {
        const auto table = common(a, b);
        const std::size_t width = b.size() + 1;
        while (i < a.size() && j < b.size()) {
            if (a[i] == b[j]) out.push_back({' ', a[i]}), ++i, ++j;
            else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) out.push_back({'-', a[i++]});
            else out.push_back({'+', b[j++]});
        }
    }
    while (i < a.size()) out.push_back({'-', a[i++]});
    while (j < b.size()) out.push_back({'+', b[j++]});
}

std::vector<Line> changes(Lines a, Lines b) {
    std::vector<Line> out;
    std::size_t same = 0, end = 0;
    while (same < std::min(a.size(), b.size()) && a[same] == b[same]) ++same;
    while (end < std::min(a.size(), b.size()) - same && a[a.size() - 1 - end] == b[b.size() - 1 - end])
        ++end;
    const Lines last(a.end() - static_cast<std::ptrdiff_t>(end), a.end());
    for (std::size_t i = 0; i < same; ++i) out.push_back({' ', a[i]});
    const auto middle = [&](const Lines& lines) {
        return Lines(lines.begin() + static_cast<std::ptrdiff_t>(same),
                     lines.end() - static_cast<std::ptrdiff_t>(end));
    };
    add_changed(middle(a), middle(b), out);
    for (const std::string_view line : last) out.push_back({' ', line});
    return out;
}

void add_hunk(const std::vector<Line>& lines, std::size_t first, std::size_t last, std::string& out) {
    std::size_t before = 0, after = 0, removed = 0, added = 0;
    for (std::size_t i = 0; i < last; ++i) {
        (i < first ? before : removed) += lines[i].sign != '+';
        (i < first ? after : added) += lines[i].sign != '-';
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n", before + (removed > 0), removed, after + (added > 0),
                       added);
    for (std::size_t i = first; i < last; ++i) {
        out += lines[i].sign;
        out += lines[i].text;
        if (!lines[i].text.ends_with('\n')) out += "\n\\ No newline at end of file\n";
    }
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after, const std::string& name) {
    if (before == after) return {};
    const auto lines = changes(lines_of(before), lines_of(after));
    std::string out = fmt::format("--- {}\n+++ {}\n", name, name);
    for (std::size_t at = 0; at < lines.size();) {
        if (lines[at].sign == ' ') {
            ++at;
            continue;
        }
        const std::size_t first = at - std::min(at, context);
        std::size_t last = at + 1;  // one past the last change of this hunk
        for (; at < lines.size() && at < last + 2 * context; ++at)
            if (lines[at].sign != ' ') last = at + 1;
        add_hunk(lines, first, std::min(last + context, lines.size()), out);
        at = std::min(last + context, lines.size());
    }
    return out;
}

}  // namespace doorward
