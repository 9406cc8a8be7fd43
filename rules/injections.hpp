// SPDX-License-Identifier: GPL-2.0-or-later
// Ways by which a process may run code that is not its executable's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doorward {

enum class Injection : std::uint8_t {
    preload = 1 << 0,       // LD_PRELOAD, LD_AUDIT or GCONV_PATH was in the environment that it was started with
    library_path = 1 << 1,  // LD_LIBRARY_PATH was
    tracer = 1 << 2,        // a debugger has had it, or somebody has had its memory open
    filter = 1 << 3,        // a seccomp filter was in place when it was started
};

// A set of them, and which of the others can't be said.
struct Injections {
    std::uint8_t found = 0;
    std::uint8_t unknown = 0;

    static constexpr std::uint8_t all = 15;
    static constexpr std::uint8_t any = 7;  // many services have a filter

    void add(Injection what) { found |= static_cast<std::uint8_t>(what); }
    void add_unknown(Injection what) { unknown |= static_cast<std::uint8_t>(what); }
    bool has(Injection what) const { return found & static_cast<std::uint8_t>(what); }

    bool operator==(const Injections&) const = default;
};

// "preload", "library-path", "tracer", "filter" or "any" (of the first three) → the bits of `found` that it asks for.
std::optional<std::uint8_t> parse_injection(std::string_view text);

// Words with a comma between them, "?" behind what can't be said: "preload,tracer?". Empty: none.
std::string to_text(const Injections& injections);
std::optional<Injections> parse_injections(std::string_view text);

}  // namespace doorward
