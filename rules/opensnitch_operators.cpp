// SPDX-License-Identifier: GPL-2.0-or-later
// One operator of OpenSnitch → what it asks for, in terms of ours.
#include <algorithm>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/domain_name.hpp"
#include "rules/glob.hpp"
#include "rules/opensnitch_conditions.hpp"
#include "rules/regexp_values.hpp"

namespace doorward {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A pattern that matches the text alone or, with `fold`, it in any case of its letters.
std::string literal_pattern(std::string_view text, bool fold) {
    std::string out;
    for (const char c : text) {
        if (fold && is_letter(c)) {
            const auto other = static_cast<char>(c ^ 0x20);
            out += fmt::format("[{}{}]", std::max(c, other), std::min(c, other));
        } else {
            if (std::string_view("*?[\\").contains(c)) out += '\\';
            out += c;
        }
    }
    return out;
}

std::unexpected<Error> never(std::string_view value) {
    return fail(fmt::format("OpenSnitch never finds \"{}\" in a connection", value.substr(0, 80)),
                "see how its log writes it");
}

}  // namespace

Result<void> OpenSnitchConditions::add(const OpenSnitchOperator& what) {
    if (what.operand == "true" && what.type == "simple") return {};
    if (what.type == "simple") return add_simple(what);
    if (what.type == "regexp") return add_regexp(what);
    if (what.type == "range") return add_range(what);
    if (what.type == "network") return add_network(what);
    if (what.type == "lists") return add_lists(what);
    return not_carried(what);
}

bool OpenSnitchConditions::narrows_case(const OpenSnitchOperator& what) {
    return !what.sensitive && allows_ && !options_.any_case &&
           std::ranges::any_of(what.data, is_letter);
}

// A path is resolved when rules are loaded, and OpenSnitch compares what the kernel says: where the
// two differ a pattern says the same, since these are not resolved.
Result<std::string> OpenSnitchConditions::literal_path(const std::string& path) const {
    std::string pattern = literal_pattern(path, false);
    if (pattern != path || !environment_.resolve_path || environment_.resolve_path(path) == path)
        return pattern;
    const auto at = std::find_if(path.rbegin(), path.rend(), [](char c) { return is_letter(c) || is_digit(c); });
    if (at == path.rend()) return fail("it is a symbolic link here");
    const auto offset = static_cast<std::size_t>(path.rend() - at) - 1;
    return path.substr(0, offset) + "[" + *at + "]" + path.substr(offset + 1);
}

Result<void> OpenSnitchConditions::add_path(Condition condition, const OpenSnitchOperator& what) {
    const bool fold = !what.sensitive && !narrows_case(what);
    if (!what.data.starts_with('/')) return never(what.data);
    if (fold && !is_ascii(what.data))
        return fail("it ignores the case of letters outside of ASCII", "write the path by hand");
    folds_case_ = folds_case_ || narrows_case(what);
    if (auto sound = parse_app(literal_pattern(what.data, false)); !sound)
        return std::unexpected(sound.error());
    const auto path = fold ? Result<std::string>(literal_pattern(what.data, true)) : literal_path(what.data);
    if (!path) return std::unexpected(path.error());
    return keep(condition, {*path});
}

Result<void> OpenSnitchConditions::add_address(Condition condition, const std::string& text,
                                               bool sensitive) {
    const std::string value = sensitive ? text : lower(text);
    const auto address = Address::parse(value);
    const bool odd = value.contains(':') && value.contains('.');
    if (!address || odd || address->to_string() != value) return never(text);
    return keep(condition, {value});
}

// Names are looked up when rules are loaded, there and here; digits are a uid here.
Result<void> OpenSnitchConditions::add_user(const OpenSnitchOperator& what) {
    if (what.operand == "user.id") {
        if (!parse_uid(what.data)) return never(what.data);
        return keep(Condition::user, {what.data});
    }
    if (what.data.empty() || std::ranges::all_of(what.data, is_digit))
        return fail("it is no name of a user", "write user: with the uid");
    if (environment_.user_id && !environment_.user_id(what.data))
        return fail("there is no such user here", "create the user first, or write the uid");
    return keep(Condition::user, {what.data});
}

Result<void> OpenSnitchConditions::add_interface(const OpenSnitchOperator& what) {
    const bool fold = !what.sensitive && !narrows_case(what);
    if (fold && !is_ascii(what.data)) return fail("it ignores the case of letters outside of ASCII");
    folds_case_ = folds_case_ || narrows_case(what);
    return keep(Condition::interface, {literal_pattern(what.data, fold)});
}

Result<void> OpenSnitchConditions::add_port(const std::string& text) {
    const auto ports = parse_ports(text);
    if (!ports || ports->first != ports->last) return never(text);
    keep_ports({*ports});
    return {};
}

template <class Matches>
void OpenSnitchConditions::keep_protocols(const Matches& matches) {
    for (std::size_t at = 0; at < opensnitch_protocols; ++at)
        if (!matches(all_opensnitch_protocols()[at].name)) protocols_.reset(at);
    nothing_ = nothing_ || protocols_.none();
}

Result<void> OpenSnitchConditions::add_simple(const OpenSnitchOperator& what) {
    if (what.operand == "process.path") return add_path(Condition::app, what);
    if (what.operand == "process.parent.path") return add_path(Condition::parent, what);
    if (what.operand == "user.id" || what.operand == "user.name") return add_user(what);
    if (what.operand == "dest.ip") return add_address(Condition::to, what.data, what.sensitive);
    if (what.operand == "source.ip") return add_address(Condition::from, what.data, what.sensitive);
    if (what.operand == "dest.port") return add_port(what.data);
    if (what.operand == "iface.out") return add_interface(what);
    if (what.operand == "protocol") {
        const std::string name = what.sensitive ? what.data : lower(what.data);
        return keep_protocols([&](std::string_view each) { return each == name; }), Result<void>{};
    }
    if (what.operand == "dest.host") {
        const auto name = normal_host_name(what.data);
        if (!name || what.data.ends_with('.') || (what.sensitive && *name != what.data))
            return never(what.data);
        sensitive_host_ = sensitive_host_ || what.sensitive;
        return keep(Condition::domain, {what.data});
    }
    return not_carried(what);
}

Result<Regexp> OpenSnitchConditions::regexp_of(const OpenSnitchOperator& what, bool may_narrow) {
    const auto written = parse_regexp(what.data);
    if (what.sensitive) return written;
    // OpenSnitch writes the expression itself in lower case, \S as \s, and then the text.
    const auto small = parse_regexp(lower(what.data));
    if (!small) return small;
    auto folded = matched_in_lower_case(*small);
    if (!folded || !written || !may_narrow || !narrows_case(what)) return folded;
    if (!is_part_of(*written, *folded)) return folded;
    folds_case_ = true;
    return written;
}

Result<void> OpenSnitchConditions::add_pattern_regexp(Condition condition, const OpenSnitchOperator& what) {
    const auto regexp = regexp_of(what, true);
    if (!regexp) return std::unexpected(regexp.error());
    auto patterns = condition == Condition::interface ? interface_patterns(*regexp) : path_patterns(*regexp);
    if (!patterns) return std::unexpected(patterns.error());
    for (std::string& pattern : *patterns) {
        if (condition == Condition::interface || Glob::is_pattern(pattern)) continue;
        auto path = literal_path(pattern);
        if (!path) return std::unexpected(path.error());
        pattern = std::move(*path);
    }
    return keep(condition, std::move(*patterns));
}

Result<void> OpenSnitchConditions::add_regexp(const OpenSnitchOperator& what) {
    if (what.operand == "process.path") return add_pattern_regexp(Condition::app, what);
    if (what.operand == "process.parent.path") return add_pattern_regexp(Condition::parent, what);
    if (what.operand == "iface.out") return add_pattern_regexp(Condition::interface, what);
    const auto regexp = regexp_of(what, false);
    if (!regexp && is_unsaid(what.operand)) return not_carried(what);
    if (!regexp) return std::unexpected(regexp.error());
    if (what.operand == "protocol")
        return keep_protocols([&](std::string_view each) { return is_matched(*regexp, each); }), Result<void>{};
    if (what.operand == "dest.port") return keep_ports(ports_matched(*regexp)), Result<void>{};
    Result<Texts> values;
    Condition condition = Condition::none;
    if (what.operand == "dest.host") {
        values = host_names(*regexp, false);
        if (!values && options_.as_meant) {
            values = host_names(*regexp, true);
            closed_host_ = closed_host_ || values.has_value();
        }
        sensitive_host_ = sensitive_host_ || what.sensitive;
        condition = Condition::domain;
    } else if (what.operand == "dest.ip" || what.operand == "source.ip") {
        values = prefixes_matched(*regexp);
        condition = what.operand == "dest.ip" ? Condition::to : Condition::from;
    } else if (what.operand == "user.id") {
        values = texts_matched(*regexp, "0123456789");
        if (values) std::erase_if(*values, [](const std::string& text) { return !parse_uid(text); });
        condition = Condition::user;
    } else {
        return not_carried(what);
    }
    if (!values) return std::unexpected(values.error());
    return keep(condition, std::move(*values));
}

}  // namespace doorward
