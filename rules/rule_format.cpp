// SPDX-License-Identifier: GPL-2.0-or-later
// Rules → text: canonical YAML, and the one-line summary.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "rules/glob.hpp"
#include "rules/rule_text.hpp"
#include "rules/time_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// True if YAML reads the text as itself without quotes, within a [list] too.
bool is_plain(std::string_view text) {
    constexpr std::array<std::string_view, 7> words{"null", "Null", "NULL", "true",
                                                    "True", "false", "False"};
    // A colon that nothing follows would make a key of it; this one is followed by a name.
    if (const auto name = set_reference(text)) text = *name;
    if (text.empty() || std::ranges::find(words, text) != words.end()) return false;
    if (!is_alnum(text.front()) && text.front() != '/') return false;
    return std::ranges::all_of(text, [](char c) {
        return is_alnum(c) || std::string_view("/._+=@-").contains(c);
    });
}

std::string scalar(std::string_view text) { return quoted_if_needed(text); }

void line(std::string& out, std::string_view key, std::string_view value) {
    out += fmt::format("  {}: {}\n", key, value);
}

// One value as it is, several as [a, b].
std::string values_text(const Term& term) {
    std::string out;
    for (const Value& value : term.values) {
        if (!out.empty()) out += ", ";
        out += scalar(value.text);
    }
    return term.values.size() == 1 ? out : "[" + out + "]";
}

std::string tags_text(const std::vector<std::string>& tags) {
    std::string out;
    for (const std::string& tag : tags) {
        if (!out.empty()) out += ", ";
        out += scalar(tag);
    }
    return tags.size() == 1 ? out : "[" + out + "]";
}

std::string joined(const Term& term, auto text) {
    std::string out;
    for (const Value& value : term.values) {
        if (!out.empty()) out += ',';
        out += text(value.text);
    }
    return out;
}

std::string whole(const std::string& text) { return text; }

// "/usr/bin/curl" → "curl"; patterns stay whole, since their last part alone would mislead.
std::string short_app(const std::string& app) {
    if (!app.starts_with('/') || Glob::is_pattern(app)) return app;
    return app.substr(app.rfind('/') + 1);
}

void add_word(std::string& out, const std::string& word) {
    if (word.empty()) return;
    if (!out.empty()) out += ' ';
    out += word;
}

// The words in front of a condition's values; nothing: it needs none.
std::string_view word_for(Condition condition) {
    switch (condition) {
        case Condition::user: return "as";
        case Condition::group: return "of group";
        case Condition::unit:
        case Condition::slice:
        case Condition::container: return "in";
        case Condition::parent: return "below";
        case Condition::script: return "running";
        case Condition::injected: return "injected by";
        case Condition::package: return "of package";
        case Condition::from: return "from";
        case Condition::interface: return "via";
        case Condition::profile: return "at";
        default: return {};
    }
}

bool is_about_program(Condition condition) {
    return condition == Condition::app || condition_info(condition).of_process;
}

std::string term_text(const Term& term) {
    std::string out(term.negated ? "not" : "");
    add_word(out, std::string(word_for(term.condition)));
    if (term.condition == Condition::sha256 || term.condition == Condition::verity)
        add_word(out, "pinned by digest");
    else
        add_word(out, joined(term, term.condition == Condition::app ? short_app : whole));
    return out;
}

// The terms to be read first come first.
constexpr std::array where_order{Condition::direction, Condition::from,      Condition::to,
                                 Condition::domain,    Condition::protocol,  Condition::port,
                                 Condition::interface, Condition::profile,   Condition::when};

std::string where_text(const Rule& rule) {
    std::string out;
    const Term* protocol = nullptr;
    for (const Condition condition : where_order)
        for (const Term& term : rule.terms) {
            if (term.condition != condition) continue;
            const bool port = condition == Condition::port && !term.negated;
            if (condition == Condition::protocol && !term.negated) protocol = &term;
            if (port && protocol) out += '/' + joined(term, whole);
            else add_word(out, port ? "port " + joined(term, whole) : term_text(term));
        }
    return out;
}

}  // namespace

std::string quoted_if_needed(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

void add_indented(std::string& out, std::string_view lines, std::size_t indent) {
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size() - 1);
        out.append(indent, ' ');
        out += lines.substr(0, end + 1);
        lines.remove_prefix(end + 1);
    }
}

std::string format_rule(const Rule& rule) {
    std::string out = fmt::format("- name: {}\n", scalar(rule.name));
    std::string negated;
    for (const ConditionInfo& info : conditions()) {
        if (const Term* term = rule.find(info.condition)) line(out, info.key, values_text(*term));
        if (const Term* term = rule.find(info.condition, true))
            negated += fmt::format("    {}: {}\n", info.key, values_text(*term));
    }
    if (!negated.empty()) out += "  not:\n" + negated;
    line(out, "action", action_name(rule.action));
    if (rule.log != LogLevel::audit) line(out, "log", log_level_name(rule.log));
    if (!rule.enabled) line(out, "enabled", "false");
    if (rule.expires) line(out, "expires", scalar(format_time(*rule.expires)));
    if (!rule.tags.empty()) line(out, "tags", tags_text(rule.tags));
    if (!rule.comment.empty()) line(out, "comment", scalar(rule.comment));
    return out;
}

std::string summary(const Rule& rule) {
    std::string who;
    for (const Term& term : rule.terms)
        if (is_about_program(term.condition)) add_word(who, term_text(term));
    const bool any = std::ranges::none_of(rule.terms, [](const Term& term) {
        return term.condition == Condition::app && !term.negated;
    });
    if (any) who = who.empty() ? "any program" : "any program " + who;
    const std::string where = where_text(rule);
    return who + " → " + (where.empty() ? "anywhere" : where);
}

}  // namespace doorward
