// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/regexp_parser.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace doorward {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

}  // namespace

std::unexpected<Error> RegexpParser::error(std::string what) const {
    return fail(fmt::format("character {}: {}", at_ + 1, what));
}

bool RegexpParser::take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
}

Result<std::vector<RegexpRow>> RegexpParser::parse() {
    auto rows = alternatives(0);
    if (rows && !at_end()) return error("a ) that nothing opens");
    return rows;
}

Result<RegexpParser::Rows> RegexpParser::bounded(Rows rows) const {
    std::size_t items = 0;
    for (const RegexpRow& row : rows) items += row.size();
    if (rows.size() > most_rows || items > most_items) return error("it stands for too many texts");
    return rows;
}

// Flags that are set within a group hold to its end.
Result<RegexpParser::Rows> RegexpParser::alternatives(int depth) {
    if (depth > deepest) return error("groups are nested too deeply");
    const Flags before = flags_;
    Rows all;
    do {
        auto rows = sequence(depth);
        if (!rows) return rows;
        all.insert(all.end(), rows->begin(), rows->end());
        if (all.size() > most_rows) return error("it stands for too many texts");
    } while (take("|"));
    flags_ = before;
    return bounded(std::move(all));
}

Result<RegexpParser::Rows> RegexpParser::sequence(int depth) {
    Rows all{{}};
    while (!at_end() && peek() != '|' && peek() != ')') {
        auto rows = atom(depth);
        if (!rows) return rows;
        const auto times = repeat();
        if (!times) return std::unexpected(times.error());
        if (*times) rows = repeated(*rows, **times);
        if (rows) rows = joined(all, *rows);
        if (!rows) return rows;
        all = std::move(*rows);
    }
    return all;
}

Result<RegexpParser::Rows> RegexpParser::joined(const Rows& a, const Rows& b) const {
    if (a.size() * b.size() > most_rows) return error("it stands for too many texts");
    Rows out;
    for (const RegexpRow& first : a)
        for (const RegexpRow& second : b) {
            out.push_back(first);
            out.back().insert(out.back().end(), second.begin(), second.end());
        }
    return bounded(std::move(out));
}

Result<RegexpParser::Rows> RegexpParser::atom(int depth) {
    if (take("(")) return group(depth + 1);
    if (take("[")) return char_class();
    if (take("\\")) return escape();
    if (take(".")) return one(CharSet::any(flags_.dot_all));
    if (take("^")) return Rows{{{{}, RegexpItem::Anchor::begin}}};
    if (take("$")) return Rows{{{{}, RegexpItem::Anchor::end}}};
    if (std::string_view("*+?").contains(peek())) return error("nothing stands before the repetition");
    return literal();
}

RegexpParser::Rows RegexpParser::one(const CharSet& set) const {
    return {{{{set, false, {}}, RegexpItem::Anchor::none}}};
}

CharSet RegexpParser::cased(CharSet set) const {
    if (!flags_.ignore_case) return set;
    for (char c = 'a'; c <= 'z'; ++c) {
        const auto small = static_cast<std::size_t>(c);
        const bool any = set.ascii[small] || set.ascii[small - 'a' + 'A'];
        set.ascii[small] = set.ascii[small - 'a' + 'A'] = any;
    }
    return set;
}

Result<RegexpParser::Rows> RegexpParser::literal() {
    const char c = peek();
    if (!is_ascii(c) && flags_.ignore_case) return error("the other case of this is not known");
    ++at_;
    if (is_ascii(c)) return one(cased(CharSet::of(c)));
    RegexpPiece piece;
    piece.rune = c;
    while (!at_end() && (static_cast<unsigned char>(peek()) & 0xc0) == 0x80) piece.rune += text_[at_++];
    return Rows{{{piece, RegexpItem::Anchor::none}}};
}

Result<bool> RegexpParser::group_flags(Flags& flags) {
    bool value = true;
    for (;;) {
        const char c = peek();
        if (c == 'i') flags.ignore_case = value;
        else if (c == 's') flags.dot_all = value;
        else if (c == '-' && value) value = false;
        else if (c != ':' && c != ')') return error("a group of a kind that is not understood");
        ++at_;
        if (c == ':' || c == ')') return c == ')';
    }
}

Result<RegexpParser::Rows> RegexpParser::group(int depth) {
    const Flags before = flags_;
    if (take("?P<") || take("?<")) {
        if (peek() == '=' || peek() == '!') return error("a look behind, which RE2 does not have");
        const auto end = text_.find('>', at_);
        if (end == text_.npos) return error("the name of the group has no end");
        at_ = end + 1;
    } else if (take("?")) {
        Flags flags = flags_;
        const auto alone = group_flags(flags);
        if (!alone) return std::unexpected(alone.error());
        flags_ = flags;
        if (*alone) return Rows{{}};
    }
    auto rows = alternatives(depth);
    flags_ = before;
    if (rows && !take(")")) return error("a ( has no )");
    return rows;
}

std::optional<unsigned> RegexpParser::number() {
    unsigned out = 0;
    const std::size_t start = at_;
    while (is_digit(peek()) && at_ - start < 4) out = out * 10 + static_cast<unsigned>(text_[at_++] - '0');
    if (at_ == start) return std::nullopt;
    return out;
}

// What does not look like {2}, {2,} or {2,3} stands for itself.
std::optional<RegexpParser::Repeat> RegexpParser::counted_repeat() {
    const std::size_t start = at_++;
    const auto least = number();
    if (least && take("}")) return Repeat{*least, *least};
    if (least && take(",")) {
        const auto most = number();
        if (take("}")) return Repeat{*least, most};
    }
    at_ = start;
    return std::nullopt;
}

// Asking for as few as possible changes where a match ends, not whether there is one.
Result<std::optional<RegexpParser::Repeat>> RegexpParser::repeat() {
    std::optional<Repeat> out;
    if (take("*")) out = Repeat{0, std::nullopt};
    else if (take("+")) out = Repeat{1, std::nullopt};
    else if (take("?")) out = Repeat{0, 1};
    else if (peek() == '{') out = counted_repeat();
    if (!out) return out;
    if (out->least > most_repeats || out->most.value_or(0) > most_repeats)
        return error(fmt::format("more than {} repetitions", most_repeats));
    if (out->most && *out->most < out->least) return error("the repetition runs backwards");
    take("?");
    const bool counted = peek() == '{' && counted_repeat();
    if (counted || (!at_end() && std::string_view("*+?").contains(peek())))
        return error("a repetition of a repetition");
    return out;
}

Result<RegexpParser::Rows> RegexpParser::repeated(const Rows& rows, const Repeat& repeat) const {
    Result<Rows> out = Rows{{}};
    for (unsigned i = 0; i < repeat.least && out; ++i) out = joined(*out, rows);
    if (!out) return out;
    if (!repeat.most) {
        const auto rest = starred(rows);
        if (!rest) return rest;
        return joined(*out, *rest);
    }
    Rows maybe = rows;
    maybe.insert(maybe.begin(), RegexpRow{});
    for (unsigned i = repeat.least; i < *repeat.most && out; ++i) out = joined(*out, maybe);
    return out;
}

// Of one character, or of "anything and then …", which holds a repetition of itself already.
Result<RegexpParser::Rows> RegexpParser::starred(const Rows& rows) const {
    Rows parts = rows;
    std::erase_if(parts, [](const RegexpRow& row) { return row.empty(); });
    if (parts.empty()) return Rows{{}};
    const bool characters = std::ranges::all_of(parts, [](const RegexpRow& row) {
        return row.size() == 1 && row[0].anchor == RegexpItem::Anchor::none && row[0].piece.rune.empty();
    });
    if (characters) {
        RegexpItem item;
        for (const RegexpRow& row : parts) {
            item.piece.set.ascii |= row[0].piece.set.ascii;
            item.piece.set.other = item.piece.set.other || row[0].piece.set.other;
        }
        item.piece.star = true;
        return Rows{{item}};
    }
    const auto absorbs = [](const RegexpItem& item) { return item.piece.star && item.piece.set.is_any(); };
    const auto plain = [](const RegexpItem& item) {
        return item.anchor == RegexpItem::Anchor::none && !item.piece.set.has('\n');
    };
    if (parts.size() == 1 && (absorbs(parts[0].front()) || absorbs(parts[0].back())) &&
        std::ranges::all_of(parts[0], plain)) {
        parts.insert(parts.begin(), RegexpRow{});
        return parts;
    }
    return error("a repeated group");
}

}  // namespace doorward
