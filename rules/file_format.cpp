// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/file_format.hpp"

#include <algorithm>
#include <span>

#include "rules/file_layout.hpp"
#include "rules/rule_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

constexpr std::size_t longest_file = std::size_t{128} << 20;
constexpr std::size_t widest = 100;
constexpr std::size_t step = 2;

// What a collection is: that decides on the order of its keys and on blank lines in it.
enum class Kind { file, rules, rule, conditions, definitions, set, profile, values };

class Writer {
public:
    explicit Writer(const std::vector<LayoutEntry>& entries) : entries_(entries) {}

    std::string write() {
        const LayoutEntry& file = entries_.front();
        for (std::size_t i = 0; i < file.heads.size(); ++i)
            comment(file.heads[i], 0, i > 0);
        children(0, Kind::file, 0);
        return std::move(out_);
    }

private:
    static bool has_blanks(Kind kind) {
        return kind == Kind::file || kind == Kind::rules || kind == Kind::definitions;
    }

    static Kind kind_of(Kind outer, const LayoutEntry& entry) {
        const std::string_view key = entry.key ? std::string_view(entry.key->scalar) : "";
        switch (outer) {
            case Kind::file: return key == "rules" ? Kind::rules : Kind::definitions;
            case Kind::rules: return Kind::rule;
            case Kind::rule:
                return key == "rules" ? Kind::rules : key == "not" ? Kind::conditions : Kind::values;
            case Kind::definitions: {
                const auto first = entry.value->children.empty() ? "" : std::string_view(entry.value->children.front().scalar);
                return std::ranges::find(set_keys, first) != set_keys.end() ? Kind::set
                                                                            : Kind::profile;
            }
            default: return Kind::values;
        }
    }

    std::vector<std::size_t> ordered(std::size_t of, Kind kind) const {
        std::vector<std::size_t> out = entries_[of].children;
        const auto sort = [&](std::span<const std::string_view> keys) {
            std::ranges::sort(out, {}, [&](std::size_t each) {
                return std::ranges::find(keys, entries_[each].key->scalar) - keys.begin();
            });
        };
        static const auto rule = rule_keys();
        static const auto group = group_keys();
        if (kind == Kind::rule) sort(entries_[of].value->find("rules") ? group : rule);
        if (kind == Kind::conditions) sort(rule);
        if (kind == Kind::profile) sort(profile_keys);
        return out;
    }

    void blank_line() {
        if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
    }

    void comment(const LayoutComment& comment, std::size_t indent, bool may_be_blank) {
        if (may_be_blank && comment.blank_before) blank_line();
        out_.append(indent, ' ');
        out_ += comment.text;
        out_ += '\n';
    }

    // What stands above an entry. All but the last of what stood behind it is above it now.
    void heads(const LayoutEntry& entry, std::size_t indent, Kind outer, bool first, bool ends) {
        bool blanks = has_blanks(outer) && !first;
        if (outer == Kind::file && !first) blank_line();
        for (const LayoutComment& each : entry.heads) {
            comment(each, indent, blanks);
            blanks = has_blanks(outer);
        }
        if (blanks && entry.blank_before) blank_line();
        const std::size_t above = ends ? entry.ends.size() : std::max<std::size_t>(entry.ends.size(), 1) - 1;
        for (std::size_t i = 0; i < above; ++i) comment({entry.ends[i], false}, indent, false);
    }

    void end_line(const LayoutEntry& entry) {
        if (!entry.ends.empty()) {
            out_ += "  ";
            out_ += entry.ends.back();
        }
        out_ += '\n';
    }

    void children(std::size_t of, Kind kind, std::size_t indent) {
        bool first = true;
        for (const std::size_t each : ordered(of, kind)) {
            const LayoutEntry& entry = entries_[each];
            const bool item_is_map = !entry.key && entry.value->is_map();
            heads(entry, indent, kind, first, item_is_map);
            if (item_is_map) map_item(each, kind_of(kind, entry), indent);
            else line(each, kind, indent, indent);
            tails(entry, indent, kind);
            first = false;
        }
    }

    void tails(const LayoutEntry& entry, std::size_t indent, Kind outer) {
        for (const LayoutComment& each : entry.tails) comment(each, indent, has_blanks(outer));
    }

    // "- name: …": what stands above the first key is above the dash.
    void map_item(std::size_t item, Kind kind, std::size_t indent) {
        bool first = true;
        for (const std::size_t each : ordered(item, kind)) {
            heads(entries_[each], first ? indent : indent + step, kind, true, false);
            if (first) {
                out_.append(indent, ' ');
                out_ += "- ";
            }
            line(each, kind, first ? 0 : indent + step, indent + step);
            tails(entries_[each], indent + step, kind);
            first = false;
        }
    }

    // A key with its value, or an item that is no map. `before`: blanks that the line still needs.
    void line(std::size_t number, Kind outer, std::size_t before, std::size_t indent) {
        const LayoutEntry& entry = entries_[number];
        const YamlNode& value = *entry.value;
        out_.append(before, ' ');
        out_ += entry.key ? quoted_if_needed(entry.key->scalar) + ':' : "-";
        const Kind kind = kind_of(outer, entry);
        if (!value.is_map() && !value.is_sequence()) {
            if (value.is_scalar()) out_ += ' ' + scalar(entry, value.scalar);
            return end_line(entry);
        }
        const std::string text = inline_text(number, indent, kind);
        if (!text.empty()) out_ += ' ' + text;
        end_line(entry);
        if (text.empty()) children(number, kind, indent + step);
    }

    // True and false are no texts where they are meant as such.
    static std::string scalar(const LayoutEntry& entry, const std::string& text) {
        const bool truth = entry.key && entry.key->scalar == "enabled" && (text == "true" || text == "false");
        return truth ? text : quoted_if_needed(text);
    }

    // Empty: it is to be written one a line.
    std::string inline_text(std::size_t number, std::size_t indent, Kind kind) const {
        const LayoutEntry& entry = entries_[number];
        const YamlNode& value = *entry.value;
        if (value.children.empty()) return value.is_map() ? "{}" : "[]";
        if (kind != Kind::values && kind != Kind::profile && kind != Kind::set) return {};
        if (value.is_map()) return {};
        for (const std::size_t each : entry.children)
            if (entries_[each].has_comments()) return {};
        std::string out;
        for (const YamlNode& item : value.children) {
            if (!out.empty()) out += ", ";
            out += quoted_if_needed(item.scalar);
            if (out.size() > widest) return {};
        }
        if (value.children.size() == 1) return out;
        const std::size_t before = indent + (entry.key ? entry.key->scalar.size() : 0) + 2;
        return before + out.size() + 2 > widest ? std::string() : "[" + out + "]";
    }

    const std::vector<LayoutEntry>& entries_;
    std::string out_;
};

std::string with_plain_line_ends(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out += text[i];
    return out;
}

std::vector<std::string> sorted(const std::vector<YamlComment>& comments) {
    std::vector<std::string> out;
    for (const YamlComment& each : comments) out.emplace_back(each.text);
    std::ranges::sort(out);
    return out;
}

bool same_sets(const SetDefinition& a, const SetDefinition& b) {
    return a.name == b.name && a.kind == b.kind &&
           std::ranges::equal(a.values, b.values, {}, &Value::text, &Value::text);
}

bool same_profiles(const ProfileDefinition& a, const ProfileDefinition& b) {
    return a.name == b.name && a.gateways == b.gateways && a.gateway_macs == b.gateway_macs &&
           a.interfaces == b.interfaces && a.domains == b.domains;
}

bool same_file(const RulePack& a, const RulePack& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t at = 0; at < a.size(); ++at)
        if (!same_rule(a.rule(at), b.rule(at))) return false;
    return std::ranges::equal(a.sets(), b.sets(), same_sets) &&
           std::ranges::equal(a.profiles(), b.profiles(), same_profiles);
}

}  // namespace

Result<std::vector<std::string>> sorted_comments(std::string_view text,
                                                 const std::string& file_name) {
    const std::string plain = with_plain_line_ends(text);
    const auto root = load_yaml(plain, file_name, longest_file);
    if (!root) return std::unexpected(root.error());
    const auto comments = find_comments(YamlText(plain), *root, file_name);
    if (!comments) return std::unexpected(comments.error());
    return sorted(*comments);
}

Result<std::string> format_rule_file(std::string_view text, const std::string& file_name) {
    const auto before = parse_rule_pack(text, file_name);
    if (!before) return std::unexpected(before.error());
    const std::string plain = with_plain_line_ends(text);
    const auto root = load_yaml(plain, file_name, longest_file);
    if (!root) return std::unexpected(root.error());
    const YamlText source(plain);
    const auto comments = find_comments(source, *root, file_name);
    if (!comments) return std::unexpected(comments.error());
    std::string out = Writer(layout_of(source, *root, *comments)).write();
    const auto after = parse_rule_pack(out, file_name);
    const auto kept = sorted_comments(out, file_name);
    if (!after || !same_file(**before, **after) || !kept || *kept != sorted(*comments))
        return fail("this file can't be written anew without a loss",
                    "write its rules as lists of \"- name: …\", each key in a line of its own",
                    {file_name, 0, 0});
    return out;
}

}  // namespace doorward
