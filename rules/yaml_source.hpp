// SPDX-License-Identifier: GPL-2.0-or-later
// Untrusted text → a YAML document that is safe to walk. Rule files and the configuration both come
// through here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.hpp"

namespace doorward {

// Collections within collections; the deepest rule file that means anything needs ten.
inline constexpr int max_yaml_depth = 32;

// A part of a document. A hundred thousand rules are read through these: yaml-cpp's own nodes cost
// several times as much, in time and in memory.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, sequence, map };
    Kind kind = Kind::null;
    bool streamed = false;  // a list whose items went to stream_yaml()'s taker, not to `children`
    int line = 0;           // where it begins; both count from 1, 0: not known. Of an empty value the
    int column = 0;         // parser names the token after it; YamlMap corrects that.
    std::string scalar;
    std::vector<YamlNode> children;  // of a map: key, value, key, value, …

    bool is_null() const { return kind == Kind::null; }
    bool is_scalar() const { return kind == Kind::scalar; }
    bool is_sequence() const { return kind == Kind::sequence; }
    bool is_map() const { return kind == Kind::map; }

    // The value of a key of a map, the first if there are several; null if there is none.
    const YamlNode* find(std::string_view key) const;
};

// Refused, each with its place: text longer than `max_bytes`, invalid UTF-8, control characters and
// characters that change the reading direction (written out or as an escape in quotes), nesting
// beyond max_yaml_depth, anchors, aliases, tags, a second document, more values than a text of that
// size can sensibly hold, and what is no YAML at all. The first three checks allocate nothing.
// Empty text gives a null node.
Result<YamlNode> load_yaml(std::string_view text, const std::string& file_name,
                           std::size_t max_bytes);

// The same, but each item of the list under `key` of the top-level map is given to `take` once it is
// whole, and then forgotten. After the first error that `take` returns it gets no more.
Result<YamlNode> stream_yaml(std::string_view text, const std::string& file_name,
                             std::size_t max_bytes, std::string_view key,
                             const std::function<Result<void>(const YamlNode&)>& take);

}  // namespace doorward
