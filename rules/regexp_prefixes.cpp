// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions over the texts of addresses → prefixes. IPv4: what a row of octets leads to is
// tried, octet by octet. IPv6: all, none, or single addresses.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "rules/address.hpp"
#include "rules/regexp_states.hpp"
#include "rules/regexp_values.hpp"

namespace doorward {

namespace {

constexpr std::size_t most_prefixes = 300;
constexpr std::size_t most_states = 2000;

enum class Part : std::uint8_t { none, all, some };

class Octets {
public:
    explicit Octets(const RegexpMachine& machine) : machine_(machine) {}

    Result<std::vector<std::string>> prefixes() {
        std::array<unsigned, 4> octets{};
        if (!collect(machine_.start(), octets, 0))
            return fail("it matches too many networks", "use type network");
        return std::move(out_);
    }

private:
    RegexpStates next(const RegexpStates& states, unsigned octet, unsigned known) const {
        return machine_.after(states, std::to_string(octet) + (known < 3 ? "." : ""));
    }

    // Whether all addresses that begin with what led to `states` are matched.
    Part part(const RegexpStates& states, unsigned known) {
        if (known == 4) return machine_.accepts(states) ? Part::all : Part::none;
        const auto seen = parts_[known].find(states);
        if (seen != parts_[known].end()) return seen->second;
        std::set<Part> found;
        for (unsigned octet = 0; octet < 256 && found.size() < 2 && !found.contains(Part::some); ++octet)
            found.insert(part(next(states, octet, known), known + 1));
        const Part out = found.size() == 1 ? *found.begin() : Part::some;
        if (parts_[known].size() < most_states) parts_[known].emplace(states, out);
        return out;
    }

    bool collect(const RegexpStates& states, std::array<unsigned, 4>& octets, unsigned known) {
        const Part here = part(states, known);
        if (here == Part::none) return true;
        if (here == Part::all) {
            std::fill(octets.begin() + known, octets.end(), 0);
            out_.push_back(fmt::format("{}{}", fmt::join(octets, "."),
                                       known == 4 ? "" : fmt::format("/{}", known * 8)));
            return out_.size() <= most_prefixes;
        }
        for (octets[known] = 0; octets[known] < 256; ++octets[known])
            if (!collect(next(states, octets[known], known), octets, known + 1)) return false;
        return true;
    }

    const RegexpMachine& machine_;
    std::array<std::map<RegexpStates, Part>, 4> parts_{};
    std::vector<std::string> out_{};
};

// The text, if the row is one.
std::optional<std::string> only_text(const RegexpBranch& branch) {
    if (branch.open_start || branch.open_end) return std::nullopt;
    std::string out;
    for (const RegexpPiece& piece : branch.pieces) {
        const char c = piece.set.single();
        if (piece.star || c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}

// Of the texts that can be IPv6 addresses, and more: hexadecimal digits and at least two colons.
Result<Part> part_of_v6(const RegexpMachine& machine) {
    using State = std::pair<RegexpStates, unsigned>;
    std::set<State> seen;
    std::vector<State> open{{machine.start(), 0}};
    bool some = false, all = true;
    while (!open.empty()) {
        const auto [states, colons] = std::move(open.back());
        open.pop_back();
        if (!seen.emplace(states, colons).second) continue;
        if (seen.size() > most_states) return fail("it is too complicated for IPv6 addresses");
        if (colons == 2) (machine.accepts(states) ? some : all) = machine.accepts(states);
        for (const char c : std::string_view("0123456789abcdef:"))
            open.emplace_back(machine.after(states, c), std::min(colons + (c == ':' ? 1u : 0u), 2u));
    }
    return !some ? Part::none : all ? Part::all : Part::some;
}

}  // namespace

Result<std::vector<std::string>> prefixes_matched(const Regexp& regexp) {
    Regexp open;
    std::vector<std::string> single;
    for (const RegexpBranch& branch : regexp.branches) {
        const auto text = only_text(branch);
        if (!text || text->find(':') == text->npos) open.branches.push_back(branch);
        else if (const auto address = Address::parse(*text); address && address->to_string() == *text)
            single.push_back(*text);
    }
    const RegexpMachine machine(open);
    auto out = Octets(machine).prefixes();
    if (!out) return out;
    const auto v6 = part_of_v6(machine);
    if (!v6) return std::unexpected(v6.error());
    if (*v6 == Part::some) return fail("it matches some IPv6 addresses", "use type network");
    if (*v6 == Part::all) out->push_back("::/0");
    else out->insert(out->end(), single.begin(), single.end());
    return out;
}

}  // namespace doorward
