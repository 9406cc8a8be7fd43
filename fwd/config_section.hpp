// SPDX-License-Identifier: GPL-2.0-or-later
// How the maps of the configuration file are read. Used by config.cpp only.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "rules/yaml_value.hpp"

namespace doorward {

// The values an enum may have in the file, and what they are called there.
template <class T>
struct Choices {
    std::span<const T> values;
    std::string_view (*name)(T);

    std::optional<T> parse(std::string_view text) const {
        const auto found = std::ranges::find(values, text, name);
        if (found == values.end()) return std::nullopt;
        return *found;
    }

    std::string names() const {
        std::string out;
        for (const T& value : values) {
            if (!out.empty()) out += &value == &values.back() ? " or " : ", ";
            out += name(value);
        }
        return out;
    }
};

// The keys of one map, read into fields. A key that is not there leaves its default; after the
// first error nothing more is read, and finish() returns that error.
class Section {
public:
    Section(const YamlValue& value, std::span<const std::string_view> keys,
            std::string_view prefix = {})
        : map_(YamlMap::read(value, keys, prefix)) {}

    Section& text(std::string_view key, std::string& field) {
        return take(key, [&](const YamlValue& value) { return store(yaml_text(value), field); });
    }

    template <class T>
    Section& number(std::string_view key, T& field, std::uint64_t least, std::uint64_t most) {
        return take(key, [&](const YamlValue& value) {
            return store(yaml_number(value, least, most), field);
        });
    }

    template <class T>
    Section& choice(std::string_view key, T& field, const Choices<T>& choices) {
        return take(key, [&](const YamlValue& value) {
            return store(one_of(value, choices), field);
        });
    }

    Section& flag(std::string_view key, bool& field) {
        return take(key, [&](const YamlValue& value) { return store(yaml_bool(value), field); });
    }

    // One value or a list of them; `verdict` says of each what is wrong with it.
    Section& texts(std::string_view key, std::vector<std::string>& field,
                   Result<void> (*verdict)(const std::string&)) {
        return take(key, [&](const YamlValue& value) -> Result<void> {
            const auto items = yaml_items(value);
            if (!items) return std::unexpected(items.error());
            field.clear();
            for (const YamlValue& item : *items) {
                const auto found = yaml_text(item);
                if (!found) return std::unexpected(found.error());
                const std::string text(*found);
                if (auto sound = verdict(text); !sound)
                    return fail(sound.error().what, sound.error().remedy, item.place());
                field.push_back(text);
            }
            return {};
        });
    }

    // What was found out about a field that has been read; the error gets the value's place.
    Section& check(std::string_view key, const Result<void>& verdict) {
        return take(key, [&](const YamlValue& value) -> Result<void> {
            if (verdict) return {};
            return fail(verdict.error().what, verdict.error().remedy, value.place());
        });
    }

    // `read` takes the value and returns Result<void>.
    template <class Read>
    Section& take(std::string_view key, const Read& read) {
        if (!map_) return *this;
        const YamlValue* value = map_->find(key);
        if (!value) return *this;
        if (Result<void> done = read(*value); !done) map_ = std::unexpected(done.error());
        return *this;
    }

    Result<void> finish() const {
        if (!map_) return std::unexpected(map_.error());
        return {};
    }

private:
    template <class Value, class Field>
    static Result<void> store(Result<Value> value, Field& field) {
        if (!value) return std::unexpected(value.error());
        field = static_cast<Field>(*std::move(value));
        return {};
    }

    template <class T>
    static Result<T> one_of(const YamlValue& value, const Choices<T>& choices) {
        const auto text = yaml_text(value);
        if (!text) return std::unexpected(text.error());
        if (const auto parsed = choices.parse(*text)) return *parsed;
        return value.error(fmt::format("\"{}\" is not known here", text->substr(0, 40)),
                           "use " + choices.names());
    }

    Result<YamlMap> map_;
};

}  // namespace doorward
