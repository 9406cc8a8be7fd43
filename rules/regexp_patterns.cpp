// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions → patterns over paths and names (rules/glob.hpp).
#include <algorithm>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/regexp_values.hpp"

namespace doorward {

namespace {

constexpr std::size_t most_patterns = 64;

std::string escaped(char c) {
    return std::string_view("*?[\\").contains(c) ? std::string("\\") + c : std::string(1, c);
}

// "[a-z_]"; empty: it can't be written as one.
std::string set_text(const CharSet& set) {
    if (set.other || set.has('/') || set.has('\\') || set.ascii.none()) return {};
    std::string members, last;
    for (int at = 1; at < 127; ++at) {
        const auto c = static_cast<char>(at);
        if (!set.has(c)) continue;
        if (c == '!' || c == '^' || c == '-') {
            last += c;
            continue;
        }
        if (c == ']') continue;
        int end = at;
        while (end + 1 < 127 && set.has(static_cast<char>(end + 1)) &&
               !std::string_view("!^-]").contains(static_cast<char>(end + 1)))
            ++end;
        members += c;
        if (end > at + 1) members += '-';
        if (end > at) members += static_cast<char>(end);
        at = end;
    }
    // A '-' stands for itself at the end, a ']' at the front, '!' and '^' anywhere but there.
    if (last.find('-') != last.npos) {
        std::erase(last, '-');
        last += '-';
    }
    if (set.has(']')) members.insert(0, "]");
    if (members.empty() && !last.starts_with('-')) return {};
    return "[" + members + last + "]";
}

// Writes one row as a pattern. `slash`: over paths, where a * does not match any character.
class PatternWriter {
public:
    PatternWriter(const RegexpBranch& branch, bool slash) : branch_(branch), slash_(slash) {}

    // Nothing: no path, or name, is matched.
    Result<std::optional<std::string>> write() {
        const auto& pieces = branch_.pieces;
        bool open = branch_.open_start;
        while (at_ < pieces.size() && pieces[at_].star && pieces[at_].set.is_any()) {
            open = true;
            ++at_;
        }
        if (slash_ && !open && at_ < pieces.size() && pieces[at_].star)
            return fail("what it begins with may be a / or not", "begin it with ^/");
        if (slash_ && !open && !starts_at_root()) return std::optional<std::string>();
        if (open) {
            if (auto done = open_start(); !done) return std::unexpected(done.error());
        }
        while (at_ < pieces.size())
            if (auto done = piece(); !done) return std::unexpected(done.error());
        if (branch_.open_end) any();
        return std::optional(out_);
    }

private:
    bool starts_at_root() const {
        return at_ < branch_.pieces.size() && branch_.pieces[at_].set.has('/');
    }

    // A path begins with a /, which is the first thing to be matched or lies before it.
    Result<void> open_start() {
        if (!slash_) return any(), Result<void>{};
        if (at_ == branch_.pieces.size()) return out_ = "/", any(), Result<void>{};
        const RegexpPiece& first = branch_.pieces[at_];
        const bool folder = first.set == CharSet::of('/') && !first.star;
        if (!folder && (first.set.has('/') || first.star))
            return fail("what it begins with may be a / or not", "begin it with ^/");
        any_folder_ = folder;
        out_ = "/**";
        return {};
    }

    void any() {
        while (out_.ends_with('*') && !out_.ends_with("\\*")) out_.pop_back();
        out_ += slash_ ? "**" : "*";
    }

    Result<void> piece() {
        const RegexpPiece& piece = branch_.pieces[at_++];
        if (!piece.rune.empty()) return out_ += piece.rune, Result<void>{};
        if (piece.star) return repeated(piece.set);
        if (at_ < branch_.pieces.size() && branch_.pieces[at_].star &&
            branch_.pieces[at_].set == piece.set && is_wild(piece.set))
            return at_least_one(piece.set);
        if (const char c = piece.set.single(); c != '\0' && piece.set.ascii.count() == 1)
            return one(c), Result<void>{};
        const std::string set = set_text(piece.set);
        if (!set.empty()) return out_ += set, Result<void>{};
        if (piece.set.is_any())
            return fail("a \".\" stands for any character", "write \\. where a dot is meant");
        return fail("it has a set of characters that a pattern can't say");
    }

    // "/**/" would stand for no folder too, where /.*/ wants one: what is between two slashes of a path
    // begins with another character. "/**" alone, of what is open in front, is meant so.
    void one(char c) {
        const bool meant = any_folder_ && out_.size() == 3;
        if (slash_ && c == '/' && out_.ends_with("/**") && !meant) {
            out_.resize(out_.size() - 2);
            out_ += "?**";
        }
        out_ += escaped(c);
    }

    bool is_wild(const CharSet& set) const { return set.is_any() || (slash_ && set.is_all_but('/')); }

    Result<void> repeated(const CharSet& set) {
        const bool within = slash_ && set.is_all_but('/');
        if (!within && !set.is_any())
            return fail("it repeats a set of characters, which a pattern can't say");
        if (!within) any();
        else if (!out_.ends_with('*') || out_.ends_with("\\*")) out_ += '*';
        return {};
    }

    // ".+" and "[^/]+", of which the first piece is taken already.
    Result<void> at_least_one(const CharSet& set) {
        const bool within = slash_ && set.is_all_but('/');
        if (out_.ends_with('*') && !out_.ends_with("\\*"))
            return fail("repetitions stand side by side");
        if (!within && slash_ && !out_.ends_with('/'))
            return fail("a .+ may begin with a / or not", "write it behind a /");
        ++at_;
        out_ += within || !slash_ ? "?*" : "?**";
        return {};
    }

    const RegexpBranch& branch_;
    const bool slash_;
    std::size_t at_ = 0;
    bool any_folder_ = false;
    std::string out_{};
};

Result<std::vector<std::string>> patterns(const Regexp& regexp, bool slash) {
    std::vector<std::string> out;
    for (const RegexpBranch& branch : regexp.branches) {
        const auto pattern = PatternWriter(branch, slash).write();
        if (!pattern) return std::unexpected(pattern.error());
        if (!*pattern || std::ranges::find(out, **pattern) != out.end()) continue;
        out.push_back(**pattern);
        if (out.size() > most_patterns)
            return fail(fmt::format("it comes to more than {} patterns", most_patterns));
    }
    return out;
}

}  // namespace

Result<std::vector<std::string>> path_patterns(const Regexp& regexp) {
    return patterns(regexp, true);
}

Result<std::vector<std::string>> interface_patterns(const Regexp& regexp) {
    return patterns(regexp, false);
}

}  // namespace doorward
