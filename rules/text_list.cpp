// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/text_list.hpp"

#include <algorithm>

#include "rules/control_group.hpp"

namespace doorward {

Result<void> TextList::add_pattern(std::string_view pattern) {
    auto glob = Glob::parse(pattern);
    if (!glob) return fail(glob.error().what, glob.error().remedy);
    globs.push_back({std::move(*glob), pattern.starts_with(user_prefix),
                     std::string(literal_folder(pattern))});
    return {};
}

void TextList::sort() {
    std::ranges::sort(plain);
    const auto rest = std::ranges::unique(plain);
    plain.erase(rest.begin(), rest.end());
}

bool TextList::matches(std::string_view text) const {
    if (text.empty()) return false;
    if (std::ranges::binary_search(plain, text)) return true;
    const bool of_user = text.starts_with(user_prefix);
    return std::ranges::any_of(globs, [&](const UserGlob& each) {
        return each.of_user == of_user && each.glob.matches(text);
    });
}

bool is_pattern(Condition condition, std::string_view text) {
    const bool name = condition == Condition::unit || condition == Condition::slice ||
                      condition == Condition::container ||
                      (condition == Condition::script && !is_whole_path(text));
    if (condition == Condition::verity) return false;
    // Unlike in a path, a backslash alone makes no pattern: units have them in their names.
    return name ? text.find_first_of("*?[") != std::string_view::npos : Glob::is_pattern(text);
}

std::string_view literal_folder(std::string_view glob) {
    const auto special = glob.find_first_of("*?[\\");
    const auto slash = glob.substr(0, special).rfind('/');
    return slash == glob.npos ? std::string_view() : glob.substr(0, slash + 1);
}

}  // namespace doorward
