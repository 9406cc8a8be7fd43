// SPDX-License-Identifier: GPL-2.0-or-later
// Any text → load_yaml and parse_config.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "require.hpp"
#include "fwd/config.hpp"
#include "fwd/lists_config.hpp"
#include "rules/yaml_source.hpp"

using namespace doorward;

namespace {

// Errors say what is wrong and, wherever a text was read at all, where.
void check(const Error& error, std::string_view text) {
    require(!error.what.empty());
    require(error.place.file == "f");
    require(error.place.line >= 1 && error.place.column >= 1);
    require(static_cast<std::size_t>(error.place.line) <= text.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto node = load_yaml(text, "f", 1 << 20);
    const auto config = parse_config(text, "f");
    if (!node) check(node.error(), text);
    if (!config) check(config.error(), text);
    require(node || !config);
    if (config) require(validate(*config).has_value());
    if (const auto lists = parse_lists_config(text, "f")) {
        for (const ListSource& list : lists->lists) {
            require(is_list_name(list.name) && list.url.empty() != list.file.empty());
            require(list.url.empty() || list.url.starts_with("https://") || list.insecure);
        }
    } else {
        check(lists.error(), text);
    }
    return 0;
}
