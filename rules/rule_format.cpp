// SPDX-License-Identifier: GPL-2.0-or-later
// Rules → text: canonical YAML, and the one-line summary.
#include <algorithm>
#include <array>

#include <fmt/format.h>

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
    if (text.empty() || std::ranges::find(words, text) != words.end()) return false;
    if (!is_alnum(text.front()) && text.front() != '/') return false;
    return std::ranges::all_of(text, [](char c) {
        return is_alnum(c) || std::string_view("/._+=@-").contains(c);
    });
}

std::string scalar(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

void line(std::string& out, std::string_view key, std::string_view value) {
    out += fmt::format("  {}: {}\n", key, value);
}

// One value as it is, several as [a, b]; no line at all for none.
template <class T>
void list_line(std::string& out, std::string_view key, const std::vector<T>& values, auto text) {
    if (values.empty()) return;
    std::string joined;
    for (const auto& value : values) {
        if (!joined.empty()) joined += ", ";
        joined += scalar(text(value));
    }
    line(out, key, values.size() == 1 ? joined : "[" + joined + "]");
}

std::string port_text(const PortRange& range) {
    if (range.first == range.last) return std::to_string(range.first);
    return fmt::format("{}-{}", range.first, range.last);
}

template <class T>
std::string joined(const std::vector<T>& values, auto text) {
    std::string out;
    for (const auto& value : values) {
        if (!out.empty()) out += ',';
        out += text(value);
    }
    return out;
}

// "/usr/bin/curl" → "curl"; patterns stay whole, since their last part alone would mislead.
std::string short_app(const AppPattern& app) {
    if (app.kind != AppPattern::Kind::path) return app.text;
    return app.text.substr(app.text.rfind('/') + 1);
}

std::string service_text(const Rule& rule) {
    const auto protocols = joined(rule.protocols, protocol_name);
    const auto ports = joined(rule.ports, port_text);
    if (ports.empty()) return protocols;
    return (protocols.empty() ? "port " : protocols + "/") + ports;
}

void add_word(std::string& out, const std::string& word) {
    if (word.empty()) return;
    if (!out.empty()) out += ' ';
    out += word;
}

const auto prefix_text = [](const Prefix& prefix) { return prefix.to_string(); };

}  // namespace

std::string format_rule(const Rule& rule) {
    std::string out = fmt::format("- name: {}\n", scalar(rule.name));
    list_line(out, "app", rule.apps, [](const AppPattern& app) { return app.text; });
    const auto text = [](const auto& pattern) { return pattern.text; };
    list_line(out, "user", rule.users, text);
    list_line(out, "group", rule.groups, text);
    list_line(out, "unit", rule.units, text);
    list_line(out, "slice", rule.slices, text);
    list_line(out, "container", rule.containers, text);
    list_line(out, "parent", rule.parents, text);
    list_line(out, "script", rule.scripts, text);
    list_line(out, "package", rule.packages, text);
    list_line(out, "verity", rule.verity, [](const std::string& digest) { return digest; });
    list_line(out, "sha256", rule.sha256, to_hex);
    if (rule.direction) line(out, "direction", direction_name(*rule.direction));
    list_line(out, "protocol", rule.protocols, protocol_name);
    list_line(out, "to", rule.to, prefix_text);
    list_line(out, "from", rule.from, prefix_text);
    list_line(out, "port", rule.ports, port_text);
    list_line(out, "domain", rule.domains, [](const DomainPattern& domain) { return domain.text; });
    line(out, "action", action_name(rule.action));
    if (rule.log != LogLevel::audit) line(out, "log", log_level_name(rule.log));
    if (!rule.enabled) line(out, "enabled", "false");
    if (rule.expires) line(out, "expires", scalar(format_time(*rule.expires)));
    if (!rule.comment.empty()) line(out, "comment", scalar(rule.comment));
    return out;
}

std::string summary(const Rule& rule) {
    std::string who = rule.apps.empty() ? "any program" : joined(rule.apps, short_app);
    const auto text = [](const auto& pattern) { return pattern.text; };
    const auto add = [&](std::string_view word, const auto& patterns) {
        if (!patterns.empty()) who += fmt::format(" {} {}", word, joined(patterns, text));
    };
    add("as", rule.users);
    add("of group", rule.groups);
    add("in", rule.units);
    add("in", rule.slices);
    add("in", rule.containers);
    add("below", rule.parents);
    add("running", rule.scripts);
    add("of package", rule.packages);
    if (!rule.verity.empty() || !rule.sha256.empty()) who += " pinned by digest";
    std::string where;
    if (rule.direction) add_word(where, std::string(direction_name(*rule.direction)));
    if (!rule.from.empty()) add_word(where, "from " + joined(rule.from, prefix_text));
    add_word(where, joined(rule.to, prefix_text));
    add_word(where, joined(rule.domains, [](const DomainPattern& domain) { return domain.text; }));
    add_word(where, service_text(rule));
    return who + " → " + (where.empty() ? "anywhere" : where);
}

}  // namespace doorward
