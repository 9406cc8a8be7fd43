// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/named_sets.hpp"

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/group_builder.hpp"
#include "rules/nearest.hpp"

namespace doorward {

Result<void> NamedSets::add(const SetDefinition& definition) {
    const auto [at, fresh] = sets_.emplace(definition.name, Set{&definition, Set::State::fresh, {}});
    if (fresh) return {};
    return defined_twice("set", definition.name, at->second.definition->place, definition.place);
}

Result<const ValueGroup*> NamedSets::find(std::string_view name, SetKind kind, const Place& place) {
    const auto found = sets_.find(name);
    if (found == sets_.end()) return missing(name, place);
    Set& set = found->second;
    if (set.definition->kind != kind)
        return fail(fmt::format("set \"{}\" has {}, and {} can stand here", name,
                                set_kind_name(set.definition->kind),
                                kind == SetKind::none ? "no set" : set_kind_name(kind)),
                    "use a set of the right kind", place);
    if (auto made = make(set, place); !made) return std::unexpected(made.error());
    return &set.group;
}

Result<void> NamedSets::make_all() {
    for (auto& [name, set] : sets_)
        if (auto made = make(set, set.definition->place); !made) return made;
    return {};
}

Result<void> NamedSets::make(Set& set, const Place& place) {
    if (set.state == Set::State::done) return {};
    if (set.state == Set::State::open)
        return fail(fmt::format("set \"{}\" contains itself", set.definition->name),
                    "take one of the sets out of the circle", place);
    set.state = Set::State::open;
    auto group = group_of(*set.definition);
    if (!group) return std::unexpected(group.error());
    set.group = std::move(*group);
    set.state = Set::State::done;
    return {};
}

Result<ValueGroup> NamedSets::group_of(const SetDefinition& definition) {
    constexpr std::string_view file_prefix = "file:";
    GroupBuilder builder(definition.kind);
    for (const Value& value : definition.values) {
        const Place place{definition.place.file, value.line, value.column};
        if (const auto name = set_reference(value.text)) {
            const auto set = find(*name, definition.kind, place);
            if (!set) return std::unexpected(set.error());
            builder.add(**set);
        } else if (value.text.starts_with(file_prefix)) {
            if (!environment_.read_list)
                return fail("lists can't be read here", "write the values out", place);
            auto list = environment_.read_list(value.text.substr(file_prefix.size()),
                                               definition.kind);
            if (!list) return fail(list.error().text(), {}, place);
            ValueGroup part;
            part.parts.push_back(std::move(*list));
            builder.add(part);
        } else if (auto added = builder.add(value.text); !added) {
            return fail(added.error().what, added.error().remedy, place);
        }
    }
    return std::move(builder).finish();
}

std::unexpected<Error> NamedSets::missing(std::string_view name, const Place& place) const {
    std::vector<std::string_view> names;
    for (const auto& [each, set] : sets_) names.push_back(each);
    const auto near = nearest(name, names);
    return fail(fmt::format("there is no set \"{}\"", name),
                near.empty() ? "define it under sets, or correct the name"
                             : fmt::format("did you mean set:{}?", near),
                place);
}

std::unexpected<Error> defined_twice(std::string_view what, std::string_view name,
                                     const Place& first, const Place& second) {
    return fail(fmt::format("{} \"{}\" is defined already, in {}", what, name, first.text()),
                "give one of the two another name", second);
}

}  // namespace doorward
