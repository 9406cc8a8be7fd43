// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/result.hpp"

#include <fmt/format.h>

namespace doorward {

std::string Place::text() const {
    return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

std::string Error::text() const {
    std::string out;
    if (!place.file.empty()) out += place.file + ":";
    if (place.line > 0) out += fmt::format("{}:{}:", place.line, place.column);
    if (!out.empty()) out += ' ';
    out += what;
    if (!remedy.empty()) out += fmt::format(" ({})", remedy);
    return out;
}

}  // namespace doorward
