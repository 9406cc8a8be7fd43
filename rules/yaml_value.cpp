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
std::string_view kind_of(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::scalar: return "a single value";
        case YamlNode::Kind::sequence: return "a list";
        case YamlNode::Kind::map: return "a map";
        case YamlNode::Kind::null: break;
    }
    return "nothing";
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

YamlValue yaml_top(const YamlNode& node, std::string_view name, std::string_view file) {
    return {{}, name, &node, file, node.line, node.column};
}

std::unexpected<Error> YamlValue::error(std::string_view problem, std::string remedy) const {
    return fail(fmt::format("{}{}: {}", prefix, name, problem), std::move(remedy), place());
}

Result<YamlMap> YamlMap::read(const YamlValue& value, std::span<const std::string_view> keys,
                              std::string_view prefix) {
    if (!value.node->is_map())
        return value.error(fmt::format("found {} where a map was expected", kind_of(*value.node)),
                           "use one or more of the keys " + join(keys));
    YamlMap map;
    map.start_ = value;
    const auto& children = value.node->children;
    for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
        const YamlNode& key = children[i];
        const YamlNode& node = children[i + 1];
        YamlValue at = value;
        at.line = key.line;
        at.column = key.column;
        if (!key.is_scalar())
            return at.error(fmt::format("found {} where a key was expected", kind_of(key)),
                            "use one of the keys " + join(keys));
        const auto known = std::ranges::find(keys, key.scalar);
        if (known == keys.end())
            return at.error(fmt::format("unknown key \"{}\"", shorten(key.scalar)),
                            suggestion(key.scalar, keys) + "known keys are " + join(keys));
        if (const Entry* other = map.entry(key.scalar))
            return at.error(fmt::format("key \"{}\" is given twice", key.scalar),
                            fmt::format("keep one of them; the other is in line {}",
                                        other->key_line));
        if (map.entries_.empty()) map.start_ = at;
        const YamlNode& begin = node.is_null() ? key : node;
        map.entries_.push_back(
            {key.line, {prefix, *known, &node, value.file, begin.line, begin.column}});
    }
    return map;
}

const YamlMap::Entry* YamlMap::entry(std::string_view key) const {
    for (const Entry& entry : entries_)
        if (entry.value.name == key) return &entry;
    return nullptr;
}

const YamlValue* YamlMap::find(std::string_view key) const {
    const Entry* found = entry(key);
    return found ? &found->value : nullptr;
}

Result<std::string_view> yaml_text(const YamlValue& value) {
    if (!value.node->is_scalar())
        return value.error(fmt::format("found {} where a single value was expected",
                                       kind_of(*value.node)),
                           "write the value after the colon, on the same line");
    return std::string_view(value.node->scalar);
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
    if (!value.node->is_sequence()) {
        items.push_back(value);
        return items;
    }
    if (value.node->children.empty())
        return value.error("the list is empty", "add an entry, or remove the key");
    items.reserve(value.node->children.size());
    for (const YamlNode& node : value.node->children) {
        YamlValue item = value;
        item.node = &node;
        if (!node.is_null()) {
            item.line = node.line;
            item.column = node.column;
        }
        items.push_back(item);
    }
    return items;
}

}  // namespace doorward
