// SPDX-License-Identifier: GPL-2.0-or-later
// Aligned tables for people. Cells may hold any bytes: what a process chose can't reach the
// terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace doorward {

enum class Colour : std::uint8_t { none, red, green, yellow, dim, bold };

struct Column {
    std::string title;
    bool right = false;       // numbers
    bool shrinks = false;     // cut with an ellipsis where the terminal is too narrow
    std::size_t minimum = 0;  // never narrower than this many cells, whatever the rows hold
    bool keeps_end = false;   // cut at the front: of a path, the end says most
};

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

struct TableStyle {
    std::size_t width = 0;  // of the terminal in cells; 0: nothing is cut
    bool colour = false;
    bool header = true;
};

// What standard output can show: its width and whether it wants colour (a terminal, NO_COLOR unset
// and TERM not "dumb"). Not a terminal: no limit, no colour.
TableStyle style_of_stdout();

// Rows may be added after take(): the widths then only grow, so that what is printed while it
// happens stays aligned.
class Table {
public:
    Table(std::vector<Column> columns, TableStyle style);

    // A row with fewer cells than columns ends early; surplus cells are left out.
    void add(std::vector<Cell> row);

    // The rows added since the last call, one line each; the header before the first ones.
    std::string take();

private:
    std::vector<std::size_t> fitted_widths() const;
    std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    TableStyle style_;
    std::vector<std::size_t> widths_;  // as wide as the widest cell so far
    std::vector<std::vector<Cell>> rows_;
    bool header_done_ = false;
};

// One line without surprises: control characters, line separators, characters that reorder text and
// bytes that are no UTF-8 come out as \n, \t, \x1b or \u202e.
std::string printable(std::string_view bytes);

// Cells that printable text takes on a terminal: wide characters two, combining marks none.
std::size_t display_width(std::string_view text);

// At most `width` cells of printable text; an ellipsis in place of what was cut, at the end or the
// front.
std::string shortened(std::string_view text, std::size_t width);
std::string shortened_front(std::string_view text, std::size_t width);

}  // namespace doorward
