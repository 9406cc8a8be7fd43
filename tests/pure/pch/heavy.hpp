// SPDX-License-Identifier: GPL-2.0-or-later
// Headers that take seconds to compile, compiled once. Each test still includes what it uses.
#ifndef DOORWARD_TESTS_PURE_HEAVY_HPP
#define DOORWARD_TESTS_PURE_HEAVY_HPP

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#endif
