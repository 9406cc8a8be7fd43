// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/log.hpp"

#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace doorward {
namespace {

std::string visible(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void log_line(Severity severity, std::string_view text) {
    static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    const std::string line =
        journal ? fmt::format("<{}>{}\n", static_cast<int>(severity), visible(text))
                : fmt::format("doorwardd: {}\n", visible(text));
    // A full or closed standard error must not stop a firewall.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace doorward
