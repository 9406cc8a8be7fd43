// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/value_cover.hpp"

#include <algorithm>
#include <bit>

#include "rules/condition_text.hpp"
#include "rules/control_group.hpp"
#include "rules/glob.hpp"
#include "rules/text_list.hpp"

namespace doorward {

namespace {

enum class Kind : char { text = 't', folder = 'f', pattern = 'g', ports = 'r', below = 'b' };

constexpr std::string_view below_prefix = "*.";

bool has_patterns(Condition condition) {
    switch (condition) {
        case Condition::app:
        case Condition::parent:
        case Condition::script:
        case Condition::unit:
        case Condition::slice:
        case Condition::container:
        case Condition::package:
        case Condition::interface: return true;
        default: return false;
    }
}

bool has_addresses(Condition condition) {
    return condition == Condition::to || condition == Condition::from;
}

bool names_pattern(Condition condition, std::string_view value) {
    return has_patterns(condition) && is_pattern(condition, value);
}

std::uint64_t key_of(Condition condition, Kind kind, std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
    add(static_cast<std::uint8_t>(condition));
    add(static_cast<std::uint8_t>(kind));
    for (const char c : text) add(static_cast<std::uint8_t>(c));
    return hash;
}

// The first `length` bits of the address count.
std::uint64_t prefix_key(Condition condition, const Prefix& prefix, unsigned length) {
    std::uint64_t hash = static_cast<std::uint64_t>(condition) << 8 | length;
    for (unsigned half = 0; half < 2; ++half) {
        std::uint64_t bits = half == 0 ? prefix.base.high() : prefix.base.low();
        const unsigned kept = std::clamp(length, 64 * half, 64 * half + 64) - 64 * half;
        if (kept < 64) bits &= kept == 0 ? 0 : ~std::uint64_t{0} << (64 - kept);
        hash = (hash ^ bits) * 0x9fb21c651e98df25;
        hash ^= hash >> 32;
    }
    return hash;
}

// Of the aligned block of 2^bits ports that this one is in.
std::uint64_t port_block_key(unsigned port, unsigned bits) {
    const unsigned block = port >> bits;
    const char text[] = {static_cast<char>(bits), static_cast<char>(block & 0xff),
                         static_cast<char>(block >> 8)};
    return key_of(Condition::port, Kind::ports, {text, sizeof text});
}

bool glob_covers(Condition condition, std::string_view wide, std::string_view narrow,
                 const ResolvePath& resolve, std::size_t& steps) {
    if (is_pattern(condition, narrow) || !is_pattern(condition, wide)) return false;
    if (wide.starts_with('/') != narrow.starts_with('/')) return false;
    if (wide.starts_with(user_prefix) != narrow.starts_with(user_prefix)) return false;
    steps += 10 + wide.size() * narrow.size() / 32;
    const auto glob = Glob::parse(wide);
    if (!glob || !glob->matches(narrow)) return false;
    const bool path = condition == Condition::app || condition == Condition::parent ||
                      condition == Condition::script;
    if (!path || !resolve || !narrow.starts_with('/')) return true;
    // A path stands for the file behind it, too, which may be elsewhere.
    steps += 50;
    const std::string real = resolve(std::string(narrow));
    return real.empty() || glob->matches(real);
}

bool prefix_covers(std::string_view wide, std::string_view narrow) {
    const auto outer = Prefix::parse(wide);
    const auto inner = Prefix::parse(narrow);
    return outer && inner && outer->length <= inner->length && outer->contains(inner->base);
}

bool ports_cover(std::string_view wide, std::string_view narrow) {
    if (set_reference(wide) || set_reference(narrow)) return false;
    const auto outer = parse_ports(wide);
    const auto inner = parse_ports(narrow);
    return outer && inner && outer->first <= inner->first && inner->last <= outer->last;
}

bool domain_covers(std::string_view wide, std::string_view narrow) {
    if (!wide.starts_with(below_prefix) || set_reference(narrow)) return false;
    if (narrow.starts_with(below_prefix)) narrow.remove_prefix(below_prefix.size());
    return narrow.ends_with(wide.substr(1));  // ".example.org"
}

void path_keys(Condition condition, std::string_view path, std::vector<std::uint64_t>& out) {
    for (std::size_t slash = 0; slash != path.npos; slash = path.find('/', slash + 1))
        out.push_back(key_of(condition, Kind::folder, path.substr(0, slash + 1)));
}

void name_keys(std::string_view name, std::vector<std::uint64_t>& out) {
    if (name.starts_with(below_prefix)) {
        name.remove_prefix(below_prefix.size());
        out.push_back(key_of(Condition::domain, Kind::below, name));
    }
    for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
        out.push_back(key_of(Condition::domain, Kind::below, name.substr(dot + 1)));
}

}  // namespace

bool covers(Condition condition, std::string_view wide, std::string_view narrow,
            const ResolvePath& resolve, std::size_t& steps) {
    ++steps;
    if (wide == narrow) return true;
    if (condition == Condition::app && narrow.starts_with("unknown:")) return wide == "unknown";
    if (condition == Condition::injected) return wide == "any" && narrow != "filter";
    if (has_patterns(condition)) return glob_covers(condition, wide, narrow, resolve, steps);
    if (has_addresses(condition)) {
        ++steps;
        return prefix_covers(wide, narrow);
    }
    if (condition == Condition::port) return ports_cover(wide, narrow);
    return condition == Condition::domain && domain_covers(wide, narrow);
}

std::uint64_t wide_key(Condition condition, std::string_view value) {
    if (names_pattern(condition, value))
        return value.starts_with('/')
                   ? key_of(condition, Kind::folder, literal_folder(value))
                   : key_of(condition, Kind::pattern, {});
    if (has_addresses(condition))
        if (const auto prefix = Prefix::parse(value))
            return prefix_key(condition, *prefix, prefix->length);
    if (condition == Condition::port && !set_reference(value))
        if (const auto range = parse_ports(value))
            return port_block_key(range->first, static_cast<unsigned>(std::bit_width(
                                                    unsigned{range->first} ^ range->last)));
    if (condition == Condition::domain && value.starts_with(below_prefix))
        return key_of(condition, Kind::below, value.substr(below_prefix.size()));
    return key_of(condition, Kind::text, value);
}

void narrow_keys(Condition condition, std::string_view value, std::vector<std::uint64_t>& out) {
    out.push_back(key_of(condition, Kind::text, value));
    if (has_patterns(condition)) {
        if (value.starts_with('/')) path_keys(condition, value, out);
        else out.push_back(key_of(condition, Kind::pattern, {}));
        if (condition == Condition::app) out.push_back(key_of(condition, Kind::text, "unknown"));
    } else if (has_addresses(condition)) {
        const auto prefix = Prefix::parse(value);
        if (!prefix) return;
        const bool v4 = prefix->length >= 96 && prefix->base.is_v4();
        for (unsigned length = v4 ? 96 : 0; length <= prefix->length; ++length)
            out.push_back(prefix_key(condition, *prefix, length));
    } else if (condition == Condition::port && !set_reference(value)) {
        const auto range = parse_ports(value);
        for (unsigned bits = 0; range && bits <= 16; ++bits)
            out.push_back(port_block_key(range->first, bits));
    } else if (condition == Condition::injected) {
        if (value != "filter") out.push_back(key_of(condition, Kind::text, "any"));
    } else if (condition == Condition::domain) {
        name_keys(value, out);
    }
}

}  // namespace doorward
