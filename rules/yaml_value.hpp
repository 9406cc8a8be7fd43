// SPDX-License-Identifier: GPL-2.0-or-later
// Strict reading of YAML values: each reader gives a value of the right kind or an error that says
// where, what was found and what was expected.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "rules/result.hpp"

namespace doorward {

// A node with what an error about it needs. The top of a document is
// YamlValue{"the configuration", node, place_of(node, file)}.
struct YamlValue {
    std::string name;  // "queue", "limits.bindings", "app"
    YAML::Node node;
    Place place;       // of the value; of its key if the value is empty

    // "file:line:column: <name>: <problem> (<remedy>)"
    std::unexpected<Error> error(std::string_view problem, std::string remedy) const;
};

// A map with a fixed set of keys. Refuses what is no map, unknown keys and keys given twice.
class YamlMap {
public:
    // `prefix` goes before the name of each value: "limits." makes "limits.bindings".
    static Result<YamlMap> read(const YamlValue& value, std::span<const std::string_view> keys,
                                std::string_view prefix = {});

    // Null if the key is not there. Valid as long as the map.
    const YamlValue* find(std::string_view key) const;

    // Of the map's first key; of the map itself if it is empty.
    const Place& place() const { return place_; }

private:
    struct Entry {
        std::string key;
        int key_line = 0;
        YamlValue value;
    };
    const Entry* entry(std::string_view key) const;

    std::vector<Entry> entries_;
    Place place_;
};

// One scalar; an empty one is refused unless quoted ("").
Result<std::string> yaml_text(const YamlValue& value);

// Decimal without leading zeros, or hexadecimal with 0x; no sign, nothing after it.
Result<std::uint64_t> yaml_number(const YamlValue& value, std::uint64_t least, std::uint64_t most);

// true or false.
Result<bool> yaml_bool(const YamlValue& value);

// One value, or a list of them; the elements in order. An empty list is refused: it would read as
// "nothing" and work as "anything".
Result<std::vector<YamlValue>> yaml_items(const YamlValue& value);

}  // namespace doorward
