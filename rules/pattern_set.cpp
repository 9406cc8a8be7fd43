// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/pattern_set.hpp"

#include <algorithm>

namespace doorward {

Result<void> PatternSet::add(const Pattern& pattern, std::string_view key,
                             const std::function<std::string(const std::string&)>& resolve) {
    if (!pattern.glob) {
        plain_.push_back(pattern.text);
        if (resolve && pattern.text.starts_with('/')) plain_.push_back(resolve(pattern.text));
        return {};
    }
    auto glob = Glob::parse(pattern.text);
    if (!glob)
        return fail(std::string(key) + " \"" + pattern.text + "\": " + glob.error().what,
                    glob.error().remedy, pattern.place);
    globs_.push_back({std::move(*glob), pattern.text.starts_with(user_prefix)});
    return {};
}

void PatternSet::finish() {
    std::ranges::sort(plain_);
    const auto rest = std::ranges::unique(plain_);
    plain_.erase(rest.begin(), rest.end());
}

bool PatternSet::matches(std::string_view text) const {
    if (text.empty()) return false;
    if (std::ranges::binary_search(plain_, text, std::less<>{})) return true;
    const bool of_user = text.starts_with(user_prefix);
    return std::ranges::any_of(globs_, [&](const UserGlob& each) {
        return each.of_user == of_user && each.glob.matches(text);
    });
}

}  // namespace doorward
