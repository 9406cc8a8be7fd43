// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/imported.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rules/file_format.hpp"
#include "rules/rule_text.hpp"
#include "rules/text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_comment = 1024;

void add_set(std::string& out, const SetDefinition& set) {
    out += fmt::format("  {}:\n    {}:\n", quoted_if_needed(set.name), set_kind_name(set.kind));
    for (const Value& value : set.values) out += fmt::format("      - {}\n", quoted_if_needed(value.text));
}

// The keys of a group are those of a rule without name and action.
void add_group(std::string& out, const Imported& imported) {
    Rule shared;
    shared.name = imported.group;
    shared.terms = imported.shared;
    std::string text = format_rule(shared);
    const auto action = text.find("  action: ");
    text.erase(action, text.find('\n', action) + 1 - action);
    add_indented(out, text, 2);
    out += "    rules:\n";
}

// A cut in the middle of a character would leave what is no UTF-8.
std::string_view cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return text.substr(0, most);
}

}  // namespace

std::size_t Imported::left_out() const {
    return static_cast<std::size_t>(
        std::ranges::count(findings, Finding::Kind::left_out, &Finding::kind));
}

std::string finding_text(const Finding& finding) {
    std::string what = finding.object;
    if (!finding.key.empty()) what += (what.empty() ? "" : ": ") + finding.key;
    return Error{(what.empty() ? "" : what + ": ") + finding.reason, finding.remedy, finding.place}.text();
}

Result<std::string> write_imported(const Imported& imported, const std::string& file_name) {
    std::string out;
    for (const std::string& remark : imported.remarks)
        out += "# " + comment_from(remark) + "\n";
    if (!imported.sets.empty()) out += "\nsets:\n";
    for (const SetDefinition& set : imported.sets) add_set(out, set);
    out += imported.rules.empty() ? "\nrules: []\n" : "\nrules:\n";
    const bool grouped = !imported.group.empty() && !imported.rules.empty();
    if (grouped) add_group(out, imported);
    for (const Rule& rule : imported.rules) add_indented(out, format_rule(rule), grouped ? 6 : 2);
    return format_rule_file(out, file_name);
}

std::string name_from(std::string_view text, bool word) {
    std::string out;
    for (const char each : text) {
        const char c = word && each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        const bool fits = letter || c == '_' || c == '-' || (!word && c == '.');
        if (fits) out += c;
        else if (!out.empty() && out.back() != '-') out += '-';
    }
    if (word)
        while (!out.empty() && !(out[0] >= 'a' && out[0] <= 'z')) out.erase(0, 1);
    out.resize(std::min(out.size(), longest_name));
    while (out.ends_with('-')) out.pop_back();
    return out.empty() ? (word ? "set" : "rule") : out;
}

std::string UniqueNames::unique(const std::string& name) {
    std::string out = name;
    std::size_t& number = last_.try_emplace(name, 1).first->second;
    while (!taken_.insert(out).second) {
        const std::string end = fmt::format("-{}", ++number);
        out = name.substr(0, longest_name - end.size()) + end;
    }
    return out;
}

std::string comment_from(std::string_view text) {
    std::string out;
    for (const char c : cut(text, longest_comment)) {
        const bool control = (c >= 0 && c < ' ') || c == '\x7f';
        if (!control) out += c;
        else if (!out.empty() && out.back() != ' ') out += ' ';
    }
    // What could change the order in which the others are shown does not belong in a comment.
    while (const auto bad = find_bad_character(out)) {
        const auto at = static_cast<std::size_t>(bad->column) - 1;
        std::size_t end = at + 1;
        while (end < out.size() && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) ++end;
        out.replace(at, end - at, "?");
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

}  // namespace doorward
