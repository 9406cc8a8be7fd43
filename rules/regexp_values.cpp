// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers, short texts and host names.
#include "rules/regexp_values.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/regexp_states.hpp"

namespace doorward {

namespace {

constexpr std::size_t most_texts = 64;

bool occurs_in_names(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// What is left of the set where a character must be of `alphabet`.
std::string members(const CharSet& set, std::string_view alphabet) {
    std::string out;
    for (const char c : alphabet)
        if (set.has(c)) out += c;
    return out;
}

Result<void> extend(std::vector<std::string>& texts, const RegexpPiece& piece,
                    std::string_view alphabet) {
    const std::string choices = members(piece.set, alphabet);
    if (piece.star && choices.empty()) return {};
    if (piece.star) return fail("it matches texts of any length");
    if (texts.size() * choices.size() > most_texts)
        return fail(fmt::format("it matches more than {} texts", most_texts));
    std::vector<std::string> longer;
    for (const std::string& text : texts)
        for (const char c : choices) longer.push_back(text + c);
    texts = std::move(longer);
    return {};
}

// The machine on digits, with each set of states looked at once: most expressions have a handful of them, and
// there are 65,536 numbers.
class DigitSteps {
public:
    explicit DigitSteps(const Regexp& regexp) : machine_(regexp), root_(place_of(machine_.start())) {}

    static constexpr std::size_t none = ~std::size_t{0};  // nothing more can match

    std::size_t root() const { return root_; }

    bool accepts(std::size_t place, unsigned digit) {
        auto& known = places_[place].accepts[digit];
        if (!known) known = machine_.accepts(after(place, digit));
        return *known;
    }

    std::size_t next(std::size_t place, unsigned digit) {
        if (const auto known = places_[place].next[digit]) return *known;
        const std::size_t next = place_of(after(place, digit));
        places_[place].next[digit] = next;
        return next;
    }

private:
    struct Place {
        const RegexpStates* states;  // the key in numbers_
        std::array<std::optional<bool>, 10> accepts{};
        std::array<std::optional<std::size_t>, 10> next{};
    };

    RegexpStates after(std::size_t place, unsigned digit) const {
        return machine_.after(*places_[place].states, static_cast<char>('0' + digit));
    }

    std::size_t place_of(const RegexpStates& states) {
        if (states.empty()) return none;
        const auto [at, is_new] = numbers_.try_emplace(states, places_.size());
        if (is_new) places_.push_back({&at->first});
        return at->second;
    }

    RegexpMachine machine_;
    std::map<RegexpStates, std::size_t> numbers_;
    std::vector<Place> places_;
    std::size_t root_;
};

// All numbers of ports that begin with what led to `place`, digit by digit.
void try_digits(DigitSteps& steps, std::size_t place, unsigned number, bool first, std::vector<bool>& matched) {
    if (place == DigitSteps::none) return;
    for (unsigned digit = 0; digit <= 9; ++digit) {
        const unsigned next = number * 10 + digit;
        if (next >= matched.size()) return;
        matched[next] = steps.accepts(place, digit);
        const bool goes_on = (!first || digit != 0) && next * 10 < matched.size();
        if (goes_on) try_digits(steps, steps.next(place, digit), next, false, matched);
    }
}

std::string host_characters() {
    std::string out;
    for (int c = ' '; c < 0x7f; ++c)
        if (occurs_in_names(static_cast<char>(c))) out += static_cast<char>(c);
    return out;
}

bool takes_any_name(const CharSet& set) {
    static const std::string all = host_characters();
    return members(set, all) == all;
}

// One row → a name, or all names below one; nothing if no host name is matched.
Result<std::optional<std::string>> host_name(const RegexpBranch& branch, bool closed) {
    static const std::string all = host_characters();
    std::size_t at = 0;
    bool below = branch.open_start;
    std::size_t singles = 0;
    while (at < branch.pieces.size() && takes_any_name(branch.pieces[at].set)) {
        below = below || branch.pieces[at].star;
        singles += branch.pieces[at++].star ? 0 : 1;
    }
    if (singles > 1 || (singles == 1 && !below))
        return fail("a \".\" stands for any character", "write \\. where a dot is meant");
    std::string name;
    for (; at < branch.pieces.size(); ++at) {
        const RegexpPiece& piece = branch.pieces[at];
        const std::string choices = members(piece.set, all);
        if (piece.star && choices.empty()) continue;
        if (choices.empty()) return std::optional<std::string>();
        if (piece.star && takes_any_name(piece.set) && closed && at + 1 == branch.pieces.size()) break;
        if (takes_any_name(piece.set) && !piece.star)
            return fail("a \".\" stands for any character", "write \\. where a dot is meant");
        if (piece.star || choices.size() > 1)
            return fail("it matches a set of names that domain can't say",
                        "write the names, and *.NAME for all below one");
        name += choices;
    }
    if (branch.open_end && !closed)
        return fail("it goes on behind the name: also " + name + ".example is matched",
                    "end it with a $");
    if (!below) return std::optional(name);
    if (!name.starts_with('.'))
        return fail("it begins within a part of a name: also x" + name + " is matched",
                    "begin it with ^, or with ^(.*\\.)?");
    return std::optional("*" + name);
}

}  // namespace

bool is_matched(const Regexp& regexp, std::string_view text) {
    const RegexpMachine machine(regexp);
    return machine.accepts(machine.after(machine.start(), text));
}

std::vector<PortRange> ports_matched(const Regexp& regexp) {
    DigitSteps steps(regexp);
    std::vector<bool> matched(65536);
    try_digits(steps, steps.root(), 0, true, matched);
    std::vector<PortRange> out;
    for (unsigned port = 0; port <= 65535; ++port) {
        if (!matched[port]) continue;
        const auto number = static_cast<std::uint16_t>(port);
        if (!out.empty() && out.back().last + 1u == port) out.back().last = number;
        else out.push_back({number, number});
    }
    return out;
}

Result<std::vector<std::string>> texts_matched(const Regexp& regexp, std::string_view alphabet) {
    std::vector<std::string> out;
    for (const RegexpBranch& branch : regexp.branches) {
        if (branch.open_start || branch.open_end)
            return fail("it is open at an end", "write it as ^(…)$");
        std::vector<std::string> texts{""};
        for (const RegexpPiece& piece : branch.pieces)
            if (auto done = extend(texts, piece, alphabet); !done) return std::unexpected(done.error());
        out.insert(out.end(), texts.begin(), texts.end());
    }
    std::ranges::sort(out);
    const auto [first, last] = std::ranges::unique(out);
    out.erase(first, last);
    if (out.size() > most_texts) return fail(fmt::format("it matches more than {} texts", most_texts));
    return out;
}

Result<std::vector<std::string>> host_names(const Regexp& regexp, bool closed) {
    std::vector<std::string> out;
    for (const RegexpBranch& branch : regexp.branches) {
        const auto name = host_name(branch, closed);
        if (!name) return std::unexpected(name.error());
        if (!*name) continue;
        const auto domain = parse_domain(**name);
        if (!domain) return std::unexpected(domain.error());
        if (std::ranges::find(out, *domain) == out.end()) out.push_back(*domain);
    }
    return out;
}

}  // namespace doorward
