// SPDX-License-Identifier: GPL-2.0-or-later
// Filters of content blockers: what of them can be said of a whole host.
#include <algorithm>

#include "rules/list_lines.hpp"

namespace doorward {
namespace {

// "##", "#@#", "#?#", "#$#", "#%#" and their combinations, and AdGuard's "$$", "$@$".
bool is_cosmetic(std::string_view line) {
    for (auto at = line.find('#'); at != line.npos; at = line.find('#', at + 1)) {
        auto next = at + 1;
        while (next < line.size() && next - at <= 3 && std::string_view("@?$%").contains(line[next]))
            ++next;
        if (next < line.size() && line[next] == '#') return true;
    }
    return line.find("$$") != line.npos || line.find("$@$") != line.npos;
}

bool is_comment_line(std::string_view line) {
    if (line.starts_with('!')) return true;
    if (line.starts_with('[') && line.ends_with(']')) return true;
    if (!line.starts_with('#')) return false;
    // "####" is a rule drawn across the list; "##.banner" hides something.
    const auto text = line.find_first_not_of('#');
    return text == line.npos || line[text] == ' ' || line[text] == '\t' || !is_cosmetic(line);
}

// What is said of requests that any contact with the host would be. All other options hold for some
// of them only, and who blocks the host would block more than the list says.
std::optional<Skip> read_options(std::string_view options, AdblockRule& rule) {
    static constexpr std::string_view harmless[] = {"third-party", "3p",    "all",    "document",
                                                    "doc",         "popup", "network"};
    while (!options.empty()) {
        const std::string_view option = options.substr(0, options.find(','));
        options.remove_prefix(std::min(option.size() + 1, options.size()));
        if (option == "badfilter") return Skip::badfilter;
        if (option == "important" && rule.listing != Listing::excepted)
            rule.listing = Listing::insisted;
        else if (std::ranges::find(harmless, option) == std::end(harmless)) return Skip::narrow;
    }
    return std::nullopt;
}

// What stands behind "||": "x.example^", "*.x.example^|", …
std::optional<Skip> read_host(std::string_view body, AdblockRule& rule) {
    const auto end = body.find('^');
    rule.name = body.substr(0, end);
    const std::string_view after = end == body.npos ? std::string_view() : body.substr(end + 1);
    if (rule.name.find_first_of("/:") != body.npos) return Skip::path;
    if (!after.empty() && after != "|") return Skip::path;
    if (rule.name.starts_with("*.")) {
        rule.covers = Covers::below;
        rule.name.remove_prefix(2);
    }
    // Without "^", "||ads.example" also means ads.example.org.
    if (end == body.npos || rule.name.find('*') != body.npos || rule.name.ends_with('.'))
        return Skip::pattern;
    return std::nullopt;
}

std::optional<Skip> read_rule(std::string_view line, AdblockRule& rule) {
    if (line.starts_with("@@")) {
        rule.listing = Listing::excepted;
        line.remove_prefix(2);
    }
    if (line.starts_with('/')) {
        const auto close = line.rfind('/');
        const bool ends = close + 1 == line.size() || line[close + 1] == '$';
        return close > 0 && ends ? Skip::regex : Skip::path;
    }
    const auto dollar = line.find('$');
    const std::string_view body = line.substr(0, dollar);
    if (!body.starts_with("||")) {
        if (body.find_first_of("/|:=?&") != body.npos && !body.contains("::")) return Skip::path;
        if (body.size() < line.size() || rule.listing == Listing::excepted) return Skip::pattern;
        if (body.contains('^') || (body.contains('*') && !body.starts_with("*."))) return Skip::pattern;
        rule.plain = true;
        return std::nullopt;
    }
    if (const auto skip = read_host(body.substr(2), rule)) return skip;
    if (dollar != line.npos) return read_options(line.substr(dollar + 1), rule);
    return std::nullopt;
}

}  // namespace

AdblockRule read_adblock_line(std::string_view line) {
    AdblockRule rule;
    if (is_comment_line(line)) rule.comment = true;
    else if (is_cosmetic(line)) rule.skip = Skip::cosmetic;
    else rule.skip = read_rule(line, rule);
    return rule;
}

}  // namespace doorward
