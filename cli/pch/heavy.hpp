// SPDX-License-Identifier: GPL-2.0-or-later
// Headers that take seconds to compile, compiled once. Each source still includes what it uses.
#ifndef DOORWARD_CLI_HEAVY_HPP
#define DOORWARD_CLI_HEAVY_HPP

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#endif
