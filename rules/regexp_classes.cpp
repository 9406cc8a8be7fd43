// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of characters in regular expressions: [a-z], \d.
#include <fmt/format.h>

#include "rules/regexp_parser.hpp"

namespace doorward {

namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

void add_range(CharSet& set, char first, char last) {
    for (int c = first; c <= last; ++c) set.ascii.set(static_cast<std::size_t>(c));
}

CharSet inverted(CharSet set) {
    set.ascii.flip();
    set.other = !set.other;
    return set;
}

}  // namespace

Result<CharSet> RegexpParser::escaped_set(char c) const {
    CharSet set;
    switch (c) {
        case 'd': case 'D': add_range(set, '0', '9'); break;
        case 'w': case 'W':
            add_range(set, '0', '9');
            add_range(set, 'a', 'z');
            add_range(set, 'A', 'Z');
            set.ascii.set('_');
            break;
        case 's': case 'S':
            for (const char blank : {' ', '\t', '\n', '\f', '\r'})
                set.ascii.set(static_cast<std::size_t>(blank));
            break;
        default: return error(fmt::format("\\{} is not understood", c));
    }
    return c < 'a' ? inverted(set) : set;
}

Result<RegexpParser::Rows> RegexpParser::escape() {
    if (at_end()) return error("nothing stands behind the \\");
    if (take("A")) return Rows{{{{}, RegexpItem::Anchor::begin}}};
    if (take("z")) return Rows{{{{}, RegexpItem::Anchor::end}}};
    const char c = peek();
    if (!is_ascii(c)) return error("a character that needs no \\");
    if (!is_alnum(c)) return literal();
    const auto set = escaped_set(c);
    if (!set) return std::unexpected(set.error());
    ++at_;
    return one(*set);
}

Result<char> RegexpParser::class_member() {
    if (at_end()) return error("a [ has no ]");
    if (peek() == '[' && text_.substr(at_).starts_with("[:")) return error("[: is not understood");
    const bool escaped = take("\\");
    const char c = peek();
    if (at_end() || !is_ascii(c) || (escaped && is_alnum(c)))
        return error("a member of the set that is not understood");
    ++at_;
    return c;
}

Result<RegexpParser::Rows> RegexpParser::char_class() {
    CharSet set;
    const bool negated = take("^");
    for (bool first = true; first || peek() != ']'; first = false) {
        const std::string_view rest = text_.substr(at_);
        if (rest.size() > 1 && rest[0] == '\\' && std::string_view("dwsDWS").contains(rest[1])) {
            const CharSet part = escaped_set(rest[1]).value();
            set.ascii |= part.ascii;
            set.other = set.other || part.other;
            at_ += 2;
            continue;
        }
        const auto low = class_member();
        if (!low) return std::unexpected(low.error());
        char high = *low;
        if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
            ++at_;
            const auto end = class_member();
            if (!end) return std::unexpected(end.error());
            high = *end;
            if (high < *low) return error("the range runs backwards");
        }
        add_range(set, *low, high);
    }
    ++at_;
    set = cased(set);
    return one(negated ? inverted(set) : set);
}

}  // namespace doorward
