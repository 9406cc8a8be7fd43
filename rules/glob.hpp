// SPDX-License-Identifier: GPL-2.0-or-later
// Patterns over paths of executables.
//
//   *      any bytes but '/', also none          [a-z]   one byte of the set, never '/'
//   ?      one byte but '/'                      [!a-z]  one byte not of the set, never '/'
//   **     any bytes, '/' included, also none    \x      the byte x, for x one of * ? [ ] \ itself
//   /**/   any number of directories, also none: /opt/**/tool matches /opt/tool and /opt/a/b/tool
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace doorward {

// What is wrong with a pattern, and at which byte of it.
struct GlobError {
    std::string what;
    std::string remedy;
    std::size_t offset = 0;
};

class Glob {
public:
    // Most states a pattern may have; bounds the time and the memory of matches().
    static constexpr std::size_t max_steps = 512;

    static std::expected<Glob, GlobError> parse(std::string_view pattern);
    // True if `text` has a character that makes it a pattern rather than a path.
    static bool is_pattern(std::string_view text);

    // Whole text against whole pattern, in time proportional to text × steps at worst: all ways to
    // match are followed side by side, none is tried again. Allocates nothing. An empty text
    // matches no pattern, so that a process without a path can't be taken for any program.
    bool matches(std::string_view text) const;

private:
    enum class Kind : std::uint8_t { byte, one, set, not_set, star, any, dirs, inside_dirs };

    struct Step {
        Kind kind = Kind::byte;
        char byte = 0;
        std::uint16_t set = 0;  // index into sets_
    };

    struct Range {
        char first;
        char last;
    };

    class States;
    class Parser;

    bool in_set(const Step& step, char byte) const;
    void enter(States& states, std::size_t state) const;
    void advance(States& next, std::size_t state, char byte) const;

    std::vector<Step> steps_;
    std::vector<std::vector<Range>> sets_;
};

}  // namespace doorward
