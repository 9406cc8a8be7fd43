// SPDX-License-Identifier: GPL-2.0-or-later
// What all subcommands share: the global options, and how results are printed.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "cli/command_error.hpp"
#include "cli/table.hpp"

namespace doorward {

struct Session {
    std::string socket = "/run/doorward/control.sock";
    std::string colour = "auto";  // auto, always or never
    int status = exit_ok;         // set by the subcommand that runs

    TableStyle style() const;
};

// Indented, and with nothing but ASCII in it, so that what a process chose can't reach the
// terminal.
void print_json(const nlohmann::json& value);

// "curl" for standard output: printable, in colour if the style has it.
std::string painted(const std::string& text, Colour colour, const TableStyle& style);

Colour colour_of(std::string_view action);

// "/etc/doorward/rules.d/10-web.yaml:4:5" → "10-web.yaml:4".
std::string short_place(const Place& place);

// "2 d 3 h", "5 min", "12 s": the two largest units.
std::string duration_text(std::uint64_t seconds);

}  // namespace doorward
