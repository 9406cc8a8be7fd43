// SPDX-License-Identifier: GPL-2.0-or-later
// Writing rule files anew: the same rules and comments after it as before, and nothing to do twice.
#include <algorithm>
#include <cstdint>

#include "require.hpp"
#include "rules/file_format.hpp"
#include "rules/yaml_comments.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

bool same_definitions(const RulePack& a, const RulePack& b) {
    if (a.sets().size() != b.sets().size() || a.profiles().size() != b.profiles().size()) return false;
    for (std::size_t i = 0; i < a.sets().size(); ++i)
        if (a.sets()[i].name != b.sets()[i].name ||
            a.sets()[i].values.size() != b.sets()[i].values.size())
            return false;
    for (std::size_t i = 0; i < a.profiles().size(); ++i)
        if (a.profiles()[i].name != b.profiles()[i].name) return false;
    return true;
}

// What is taken for a comment is one: the rules are the same whatever it says.
void check_comments(std::string text, const RulePack& pack) {
    if (text.find('\r') != text.npos || text.starts_with("\xef\xbb\xbf")) return;
    const auto root = load_yaml(text, "f", text.size());
    require(root.has_value());
    const YamlText source(text);
    const auto comments = find_comments(source, *root, "f");
    require(comments.has_value());
    std::string changed = text;
    for (const YamlComment& each : *comments)
        std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(each.offset) + 1,
                    each.text.size() - 1, 'x');
    const auto again = parse_rule_pack(changed, "f");
    require(again && same_rules((*again)->rules(), pack.rules()) && same_definitions(**again, pack));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto pack = parse_rule_pack(text, "f");
    const auto once = format_rule_file(text, "f");
    if (!once) {
        require(!once.error().what.empty() && once.error().place.file == "f");
        return 0;
    }
    require(pack.has_value());
    const auto after = parse_rule_pack(*once, "f");
    require(after && same_rules((*after)->rules(), (*pack)->rules()) &&
            same_definitions(**after, **pack));
    require(sorted_comments(*once, "f").value() == sorted_comments(text, "f").value());
    const auto twice = format_rule_file(*once, "f");
    require(twice && *twice == *once);
    check_comments(text, **pack);
    return 0;
}
