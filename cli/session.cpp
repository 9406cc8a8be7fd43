// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/session.hpp"

#include <array>
#include <cstdio>

#include <fmt/format.h>

namespace doorward {

int report(const CommandError& error) {
    fmt::print(stderr, "doorward: {}\n", printable(error.message));
    return error.status;
}

TableStyle Session::style() const {
    TableStyle style = style_of_stdout();
    if (colour == "always") style.colour = true;
    if (colour == "never") style.colour = false;
    return style;
}

void print_json(const nlohmann::json& value) {
    fmt::print("{}\n", value.dump(2, ' ', /*ensure_ascii=*/true));
}

std::string painted(const std::string& text, Colour colour, const TableStyle& style) {
    // A table of one cell, so that colours and escapes are made in one place only.
    Table table({{.title = ""}}, {.width = 0, .colour = style.colour, .header = false});
    table.add({{text, colour}});
    std::string line = table.take();
    if (line.ends_with('\n')) line.pop_back();
    return line;
}

Colour colour_of(std::string_view action) {
    return action == "accept" ? Colour::green : Colour::red;
}

std::string short_place(const Place& place) {
    const std::string file = place.file.substr(place.file.rfind('/') + 1);
    return place.line == 0 ? file : fmt::format("{}:{}", file, place.line);
}

std::string duration_text(std::uint64_t seconds) {
    struct Unit {
        std::uint64_t seconds;
        const char* name;
    };
    constexpr std::array units{Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "min"}, Unit{1, "s"}};
    for (std::size_t i = 0; i + 1 < units.size(); ++i) {
        if (seconds < units[i].seconds) continue;
        const auto rest = seconds % units[i].seconds / units[i + 1].seconds;
        return fmt::format("{} {} {} {}", seconds / units[i].seconds, units[i].name, rest,
                           units[i + 1].name);
    }
    return fmt::format("{} s", seconds);
}

}  // namespace doorward
