// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_value.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "rules/nearest.hpp"
#include "rules/yaml_source.hpp"

namespace doorward {
namespace {

// What is found where something else was expected, in words for an error.
std::string_view kind_of(const YAML::Node& node) {
    switch (node.Type()) {
        case YAML::NodeType::Scalar: return "a single value";
        case YAML::NodeType::Sequence: return "a list";
        case YAML::NodeType::Map: return "a map";
        default: return "nothing";
    }
}

std::string join(std::span<const std::string_view> words) {
    std::string out;
    for (const std::string_view word : words) {
        if (!out.empty()) out += ", ";
        out += word;
    }
    return out;
}

// Keys and values that are quoted in an error: short enough to read, whatever was in the file.
std::string shorten(std::string_view text) {
    constexpr std::size_t most = 60;
    if (text.size() <= most) return std::string(text);
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end)) + "…";
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const bool hex = text.starts_with("0x");
    if (hex) text.remove_prefix(2);
    if (!hex && text.size() > 1 && text[0] == '0') return std::nullopt;
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, hex ? 16 : 10);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::string suggestion(std::string_view key, std::span<const std::string_view> keys) {
    const auto near = nearest(key, keys);
    return near.empty() ? std::string() : fmt::format("did you mean \"{}\"? ", near);
}

}  // namespace

std::unexpected<Error> YamlValue::error(std::string_view problem, std::string remedy) const {
    return fail(fmt::format("{}: {}", name, problem), std::move(remedy), place);
}

Result<YamlMap> YamlMap::read(const YamlValue& value, std::span<const std::string_view> keys,
                              std::string_view prefix) {
    if (!value.node.IsMap())
        return value.error(fmt::format("found {} where a map was expected", kind_of(value.node)),
                           "use one or more of the keys " + join(keys));
    YamlMap map;
    map.place_ = value.place;
    for (const auto& entry : value.node) {
        const Place place = place_of(entry.first, value.place.file);
        if (!entry.first.IsScalar())
            return fail(fmt::format("{}: found {} where a key was expected", value.name,
                                    kind_of(entry.first)),
                        "use one of the keys " + join(keys), place);
        const std::string key = entry.first.Scalar();
        if (std::ranges::find(keys, key) == keys.end())
            return fail(fmt::format("{}: unknown key \"{}\"", value.name, shorten(key)),
                        suggestion(key, keys) + "known keys are " + join(keys), place);
        if (const Entry* other = map.entry(key))
            return fail(fmt::format("{}: key \"{}\" is given twice", value.name, key),
                        fmt::format("keep one of them; the other is in line {}", other->key_line),
                        place);
        if (map.entries_.empty()) map.place_ = place;
        const Place value_place =
            entry.second.IsNull() ? place : place_of(entry.second, value.place.file);
        map.entries_.push_back(
            {key, place.line, {fmt::format("{}{}", prefix, key), entry.second, value_place}});
    }
    return map;
}

const YamlMap::Entry* YamlMap::entry(std::string_view key) const {
    const auto found = std::ranges::find(entries_, key, &Entry::key);
    return found == entries_.end() ? nullptr : &*found;
}

const YamlValue* YamlMap::find(std::string_view key) const {
    const Entry* found = entry(key);
    return found ? &found->value : nullptr;
}

Result<std::string> yaml_text(const YamlValue& value) {
    if (!value.node.IsScalar())
        return value.error(fmt::format("found {} where a single value was expected",
                                       kind_of(value.node)),
                           "write the value after the colon, on the same line");
    return value.node.Scalar();
}

Result<std::uint64_t> yaml_number(const YamlValue& value, std::uint64_t least,
                                  std::uint64_t most) {
    const auto text = yaml_text(value);
    if (!text) return std::unexpected(text.error());
    const auto number = parse_number(*text);
    const std::string remedy = fmt::format("use a number from {} to {}", least, most);
    if (!number) return value.error(fmt::format("\"{}\" is not a number", shorten(*text)), remedy);
    if (*number < least || *number > most)
        return value.error(fmt::format("{} is out of range", shorten(*text)), remedy);
    return *number;
}

Result<bool> yaml_bool(const YamlValue& value) {
    const auto text = yaml_text(value);
    if (!text) return std::unexpected(text.error());
    if (*text == "true") return true;
    if (*text == "false") return false;
    return value.error(fmt::format("\"{}\" is neither true nor false", shorten(*text)),
                       "write true or false");
}

Result<std::vector<YamlValue>> yaml_items(const YamlValue& value) {
    std::vector<YamlValue> items;
    if (!value.node.IsSequence()) {
        items.push_back(value);
        return items;
    }
    if (value.node.size() == 0)
        return value.error("the list is empty", "add an entry, or remove the key");
    for (const auto& item : value.node) {
        const Place place =
            item.IsNull() ? value.place : place_of(item, value.place.file);
        items.push_back({value.name, item, place});
    }
    return items;
}

}  // namespace doorward
