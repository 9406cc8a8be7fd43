// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/table.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fwd/utf8.hpp"

namespace doorward {
namespace {

constexpr std::string_view ellipsis = "…";
constexpr std::string_view gap = "  ";
constexpr std::size_t narrowest = 8;  // a cut cell keeps this much, or it says nothing

struct Range {
    char32_t first;
    char32_t last;
};

// Shown as nothing by themselves: combining marks and variation selectors.
constexpr Range zero_width[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

// East Asian wide characters and pictographs.
constexpr Range double_width[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe4f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

// Invisible, or able to reorder or break the line around them.
constexpr Range deceptive[] = {
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x115f, 0x1160}, {0x180e, 0x180e}, {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
    {0xe0000, 0xe0fff},
};

bool in(std::span<const Range> ranges, char32_t code) {
    return std::ranges::any_of(
        ranges, [code](const Range& range) { return code >= range.first && code <= range.last; });
}

std::size_t char_width(char32_t code) {
    if (code < 0x300) return 1;
    if (in(zero_width, code)) return 0;
    return in(double_width, code) ? 2 : 1;
}

void append_printable(std::string& out, std::string_view bytes, const Utf8Char& character) {
    const auto code = static_cast<std::uint32_t>(character.code);
    if (!character.valid || code < 0x20 || code == 0x7f) {
        if (character.valid && code == '\n') out += "\\n";
        else if (character.valid && code == '\t') out += "\\t";
        else if (character.valid && code == '\r') out += "\\r";
        else fmt::format_to(std::back_inserter(out), "\\x{:02x}", code);
    } else if ((code >= 0x80 && code < 0xa0) || in(deceptive, code)) {
        if (code > 0xffff) fmt::format_to(std::back_inserter(out), "\\U{:08x}", code);
        else fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
    } else {
        out += bytes.substr(0, character.length);
    }
}

std::string_view colour_start(Colour colour) {
    switch (colour) {
        case Colour::none: return "";
        case Colour::red: return "\x1b[31m";
        case Colour::green: return "\x1b[32m";
        case Colour::yellow: return "\x1b[33m";
        case Colour::dim: return "\x1b[2m";
        case Colour::bold: return "\x1b[1m";
    }
    return "";
}

}  // namespace

std::string printable(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const Utf8Char character = first_char(bytes);
        append_printable(out, bytes, character);
        bytes.remove_prefix(character.length);
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const Utf8Char character = first_char(text);
        width += char_width(character.code);
        text.remove_prefix(character.length);
    }
    return width;
}

std::string shortened(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::string out;
    std::size_t used = 1;  // the ellipsis
    while (!text.empty()) {
        const Utf8Char character = first_char(text);
        used += char_width(character.code);
        if (used > width) break;
        out += text.substr(0, character.length);
        text.remove_prefix(character.length);
    }
    return out.append(ellipsis);
}

std::string shortened_front(std::string_view text, std::size_t width) {
    std::size_t excess = display_width(text);
    if (excess <= width) return std::string(text);
    if (width == 0) return {};
    excess -= width - 1;  // one cell is the ellipsis
    // Combining marks (width 0) of the last character that goes are dropped with it.
    while (!text.empty()) {
        const Utf8Char character = first_char(text);
        const std::size_t cells = char_width(character.code);
        if (excess == 0 && cells > 0) break;
        excess -= std::min(excess, cells);
        text.remove_prefix(character.length);
    }
    return std::string(ellipsis).append(text);
}

TableStyle style_of_stdout() {
    TableStyle style;
    if (isatty(STDOUT_FILENO) == 0) return style;
    const char* terminal = std::getenv("TERM");
    const char* no_colour = std::getenv("NO_COLOR");
    style.colour = (no_colour == nullptr || *no_colour == '\0') && terminal != nullptr &&
                   std::string_view(terminal) != "dumb";
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    style.width = known ? size.ws_col : 80;
    return style;
}

Table::Table(std::vector<Column> columns, TableStyle style)
    : columns_(std::move(columns)), style_(style) {
    for (const Column& column : columns_)
        widths_.push_back(
            std::max(column.minimum, style_.header ? display_width(column.title) : 0));
}

void Table::add(std::vector<Cell> row) {
    row.resize(std::min(row.size(), columns_.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
        row[i].text = printable(row[i].text);
        widths_[i] = std::max(widths_[i], display_width(row[i].text));
    }
    rows_.push_back(std::move(row));
}

// Takes the missing cells from the widest column that may shrink, one at a time, so that columns of
// like width lose alike.
std::vector<std::size_t> Table::fitted_widths() const {
    std::vector<std::size_t> widths = widths_;
    if (style_.width == 0 || widths.empty()) return widths;
    std::size_t total =
        std::accumulate(widths.begin(), widths.end(), gap.size() * (widths.size() - 1));
    while (total > style_.width) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::size_t least = std::max(narrowest, columns_[i].minimum);
            if (!columns_[i].shrinks || widths[i] <= least) continue;
            if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
        }
        if (widest == widths.size()) break;  // nothing left to take: the line will be too long
        --widths[widest];
        --total;
    }
    return widths;
}

std::string Table::line(const std::vector<Cell>& row,
                        const std::vector<std::size_t>& widths) const {
    std::string out;
    std::size_t owed = 0;  // spaces before the next text: none are left at the end of a line
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string text = columns_[i].keeps_end ? shortened_front(row[i].text, widths[i])
                                                       : shortened(row[i].text, widths[i]);
        const std::size_t rest = widths[i] - std::min(widths[i], display_width(text));
        if (i > 0) owed += gap.size();
        if (columns_[i].right) owed += rest;
        if (!text.empty()) {
            out.append(owed, ' ');
            owed = 0;
            const std::string_view start = style_.colour ? colour_start(row[i].colour) : "";
            out.append(start).append(text).append(start.empty() ? "" : "\x1b[0m");
        }
        if (!columns_[i].right) owed += rest;
    }
    return out.append("\n");
}

std::string Table::take() {
    const std::vector<std::size_t> widths = fitted_widths();
    std::string out;
    if (style_.header && !header_done_) {
        std::vector<Cell> titles;
        for (const Column& column : columns_) titles.push_back({column.title, Colour::bold});
        out += line(titles, widths);
        header_done_ = true;
    }
    for (const std::vector<Cell>& row : rows_) out += line(row, widths);
    rows_.clear();
    return out;
}

}  // namespace doorward
