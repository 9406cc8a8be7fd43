// SPDX-License-Identifier: GPL-2.0-or-later
// Strict reading of YAML values: each reader gives a value of the right kind or an error that says
// where, what was found and what was expected.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"
#include "rules/yaml_source.hpp"

namespace doorward {

// A node with what an error about it needs. Views only: file name, names and node must outlive it.
// The top of a document is yaml_top(node, "the configuration", file).
struct YamlValue {
    std::string_view prefix;  // goes before the name: "limits.", "rule \"web\": "
    std::string_view name;    // "queue", "bindings", "app"
    const YamlNode* node = nullptr;
    std::string_view file;
    int line = 0;             // of the value; of its key if the value is empty
    int column = 0;

    Place place() const { return {std::string(file), line, column}; }
    std::string full_name() const { return std::string(prefix) + std::string(name); }

    // "file:line:column: <name>: <problem> (<remedy>)"
    std::unexpected<Error> error(std::string_view problem, std::string remedy) const;
};

YamlValue yaml_top(const YamlNode& node, std::string_view name, std::string_view file);

// A map with a fixed set of keys. Refuses what is no map, unknown keys and keys given twice.
class YamlMap {
public:
    // `prefix` goes before the name of each value: "limits." makes "limits.bindings". It must outlive
    // the map, and so must the node.
    static Result<YamlMap> read(const YamlValue& value, std::span<const std::string_view> keys,
                                std::string_view prefix = {});

    // Null if the key is not there. Valid as long as the map.
    const YamlValue* find(std::string_view key) const;

    // At the map's first key; at the map itself if it is empty.
    const YamlValue& start() const { return start_; }

private:
    struct Entry {
        int key_line = 0;
        YamlValue value;
    };
    const Entry* entry(std::string_view key) const;

    std::vector<Entry> entries_;
    YamlValue start_;
};

// One scalar; an empty one is refused unless quoted ("").
Result<std::string_view> yaml_text(const YamlValue& value);

// Decimal without leading zeros, or hexadecimal with 0x; no sign, nothing after it.
Result<std::uint64_t> yaml_number(const YamlValue& value, std::uint64_t least, std::uint64_t most);

// true or false.
Result<bool> yaml_bool(const YamlValue& value);

// One value, or a list of them; the elements in order. An empty list is refused: it would read as
// "nothing" and work as "anything".
Result<std::vector<YamlValue>> yaml_items(const YamlValue& value);

}  // namespace doorward
