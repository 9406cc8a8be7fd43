// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/glob.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

namespace doorward {

namespace {

constexpr std::string_view escapable = "*?[]\\";

}  // namespace

// A set of steps, one bit each. The bit after the last step means that the pattern is used up.
class Glob::States {
public:
    void add(std::size_t state) { words_[state / 64] |= std::uint64_t{1} << (state % 64); }
    bool has(std::size_t state) const { return words_[state / 64] >> (state % 64) & 1; }
    bool empty() const {
        return std::all_of(words_.begin(), words_.end(), [](auto word) { return word == 0; });
    }

    template <class Visit>
    void each(Visit visit) const {
        for (std::size_t i = 0; i < words_.size(); ++i)
            for (auto word = words_[i]; word != 0; word &= word - 1)
                visit(i * 64 + static_cast<std::size_t>(std::countr_zero(word)));
    }

private:
    std::array<std::uint64_t, max_steps / 64 + 1> words_{};
};

class Glob::Parser {
public:
    explicit Parser(std::string_view pattern) : pattern_(pattern) {}

    std::expected<Glob, GlobError> parse() {
        while (at_ < pattern_.size()) {
            if (auto error = step()) return std::unexpected(std::move(*error));
            if (glob_.steps_.size() > max_steps)
                return std::unexpected(GlobError{"pattern is too long", "shorten it", at_});
        }
        return std::move(glob_);
    }

private:
    std::optional<GlobError> step() {
        switch (pattern_[at_]) {
            case '*': return stars();
            case '[': return set();
            case '\\': return escape();
            case '?': push(Kind::one); break;
            default: push(Kind::byte, pattern_[at_]); break;
        }
        ++at_;
        return std::nullopt;
    }

    std::optional<GlobError> stars() {
        const auto end = std::min(pattern_.find_first_not_of('*', at_), pattern_.size());
        const auto count = end - at_;
        if (count > 2)
            return GlobError{"more than two * in a row", "write * or **", at_};
        const bool starts_component = at_ > 0 && pattern_[at_ - 1] == '/';
        if (count == 1) {
            push(Kind::star);
        } else if (starts_component && end < pattern_.size() && pattern_[end] == '/') {
            push(Kind::dirs);
            push(Kind::inside_dirs);
            at_ = end + 1;
            return std::nullopt;
        } else {
            push(Kind::any);
        }
        at_ = end;
        return std::nullopt;
    }

    std::optional<GlobError> escape() {
        if (at_ + 1 == pattern_.size() || !escapable.contains(pattern_[at_ + 1]))
            return GlobError{"\\ must be followed by one of * ? [ ] \\",
                             "write \\\\ for a backslash that is part of the path", at_};
        push(Kind::byte, pattern_[at_ + 1]);
        at_ += 2;
        return std::nullopt;
    }

    std::optional<GlobError> set() {
        const auto open = at_++;
        auto kind = Kind::set;
        if (peek() == '!') {
            kind = Kind::not_set;
            ++at_;
        }
        if (peek() == '^')
            return GlobError{"[^ means different things to different shells",
                             "write [! for \"none of these\"", open};
        std::vector<Range> ranges;
        for (bool first = true; first || peek() != ']'; first = false) {
            if (at_ >= pattern_.size())
                return GlobError{"[ without its ]", "close the set, or write \\[ for the character",
                                 open};
            if (auto error = member(ranges)) return error;
        }
        ++at_;
        push(kind);
        glob_.steps_.back().set = static_cast<std::uint16_t>(glob_.sets_.size());
        glob_.sets_.push_back(std::move(ranges));
        return std::nullopt;
    }

    // One byte or range of a set. A ']' in first and a '-' in first or last place stand for
    // themselves, as in the shell.
    std::optional<GlobError> member(std::vector<Range>& ranges) {
        Range range{pattern_[at_], pattern_[at_]};
        const auto start = at_++;
        if (peek() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
            range.last = pattern_[at_ + 1];
            at_ += 2;
        }
        for (const char byte : {range.first, range.last}) {
            if (byte == '/')
                return GlobError{"'/' in a set", "leave it out: a set never matches it", start};
            if (byte == '\\')
                return GlobError{"'\\' in a set", "write \\\\ outside of a set", start};
            if (static_cast<unsigned char>(byte) >= 0x80)
                return GlobError{"a set takes ASCII characters only", "use ? or * instead", start};
        }
        if (range.first > range.last)
            return GlobError{"range in a set runs backwards", "swap its two ends", start};
        ranges.push_back(range);
        return std::nullopt;
    }

    char peek() const { return at_ < pattern_.size() ? pattern_[at_] : '\0'; }
    void push(Kind kind, char byte = 0) { glob_.steps_.push_back({kind, byte, 0}); }

    std::string_view pattern_;
    std::size_t at_ = 0;
    Glob glob_;
};

std::expected<Glob, GlobError> Glob::parse(std::string_view pattern) {
    return Parser(pattern).parse();
}

bool Glob::is_pattern(std::string_view text) {
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

bool Glob::in_set(const Step& step, char byte) const {
    if (byte == '/') return false;
    const auto& ranges = sets_[step.set];
    const bool inside = std::any_of(ranges.begin(), ranges.end(), [byte](const Range& range) {
        return range.first <= byte && byte <= range.last;
    });
    return inside == (step.kind == Kind::set);
}

// Adds a state and those reached from it without a byte. Bounded: each turn moves forward.
void Glob::enter(States& states, std::size_t state) const {
    while (!states.has(state)) {
        states.add(state);
        if (state == steps_.size()) return;
        const auto kind = steps_[state].kind;
        if (kind == Kind::star || kind == Kind::any) state += 1;
        else if (kind == Kind::dirs) state += 2;
        else return;
    }
}

void Glob::advance(States& next, std::size_t state, char byte) const {
    const Step& step = steps_[state];
    switch (step.kind) {
        case Kind::byte:
            if (byte == step.byte) enter(next, state + 1);
            break;
        case Kind::one:
            if (byte != '/') enter(next, state + 1);
            break;
        case Kind::set:
        case Kind::not_set:
            if (in_set(step, byte)) enter(next, state + 1);
            break;
        case Kind::star:
            if (byte != '/') enter(next, state);
            break;
        case Kind::any: enter(next, state); break;
        // Directories end with a '/': only there may the rest of the pattern begin.
        case Kind::dirs: enter(next, byte == '/' ? state : state + 1); break;
        case Kind::inside_dirs: enter(next, byte == '/' ? state - 1 : state); break;
    }
}

bool Glob::matches(std::string_view text) const {
    if (text.empty()) return false;
    States states;
    enter(states, 0);
    for (const char byte : text) {
        States next;
        states.each([&](std::size_t state) {
            if (state < steps_.size()) advance(next, state, byte);
        });
        if (next.empty()) return false;
        states = next;
    }
    return states.has(steps_.size());
}

}  // namespace doorward
