// SPDX-License-Identifier: GPL-2.0-or-later
// The sets of all packs by name: each is made once, when it is first asked for. Used by the compiler
// only.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "rules/ruleset.hpp"
#include "rules/value_group.hpp"

namespace doorward {

class NamedSets {
public:
    explicit NamedSets(const Environment& environment) : environment_(environment) {}

    // Keeps a reference. A name that is taken is an error, which names both places.
    Result<void> add(const SetDefinition& definition);

    // `place` is where it is asked for. Errors: there is none, it is of another kind, it contains
    // itself, one of its lists can't be read. The group lives as long as this.
    Result<const ValueGroup*> find(std::string_view name, SetKind kind, const Place& place);

    // Those that nobody asked for, too: they must be sound, since they may be used tomorrow.
    Result<void> make_all();

private:
    struct Set {
        const SetDefinition* definition = nullptr;
        enum class State : std::uint8_t { fresh, open, done } state = State::fresh;
        ValueGroup group;
    };

    Result<void> make(Set& set, const Place& place);
    Result<ValueGroup> group_of(const SetDefinition& definition);
    std::unexpected<Error> missing(std::string_view name, const Place& place) const;

    const Environment& environment_;
    std::map<std::string, Set, std::less<>> sets_;
};

// "set "web" is defined already, in a.yaml:3:1".
std::unexpected<Error> defined_twice(std::string_view what, std::string_view name,
                                     const Place& first, const Place& second);

}  // namespace doorward
