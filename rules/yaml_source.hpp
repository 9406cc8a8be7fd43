// SPDX-License-Identifier: GPL-2.0-or-later
// Untrusted text → a YAML document that is safe to walk. Rule files and the configuration both come
// through here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "rules/result.hpp"

namespace doorward {

// Collections within collections; the deepest rule file that means anything needs six.
inline constexpr int max_yaml_depth = 32;

// Refused, each with its place: text longer than `max_bytes`, invalid UTF-8, control characters and
// characters that change the reading direction (written out or as an escape in quotes), nesting
// beyond max_yaml_depth, anchors, aliases, tags, a second document, more values than a text of that
// size can sensibly hold, and what is no YAML at all. The first three checks allocate nothing.
// Empty text gives a null node.
Result<YAML::Node> load_yaml(std::string_view text, const std::string& file_name,
                             std::size_t max_bytes);

// Where a node begins. yaml-cpp counts from 0, places from 1. For an empty value yaml-cpp names the
// token after it; YamlMap (rules/yaml_value.hpp) corrects that.
Place place_of(const YAML::Node& node, const std::string& file_name);

}  // namespace doorward
