// SPDX-License-Identifier: GPL-2.0-or-later
// A condition with its values, in the form in which it is tried fastest.
#include "rules/rule_compiler.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/domain_name.hpp"
#include "rules/group_builder.hpp"

namespace doorward {
namespace {

constexpr std::uint32_t bit(Unknown reason) { return 1u << static_cast<unsigned>(reason); }
constexpr std::uint32_t every_reason = ~bit(Unknown::none);

std::uint32_t number(std::size_t size) { return static_cast<std::uint32_t>(size); }

bool is_v4(const Prefix& prefix) { return prefix.length >= 96 && prefix.base.is_v4(); }

CompiledTerm v4_term(Condition condition, const Prefix& prefix) {
    const unsigned bits = prefix.length - 96u;
    const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    return {condition, false, CompiledTerm::Form::prefix4, prefix.base.v4_number() & mask, mask};
}

// Whether values are looked up as the kernel reports them, without symbolic links.
bool is_path_like(Condition condition) {
    return condition == Condition::app || condition == Condition::parent ||
           condition == Condition::script;
}

}  // namespace

Result<CompiledTerm> RuleCompiler::make(const RulePack& pack, const Packed& term) {
    switch (term.condition) {
        case Condition::direction:
        case Condition::protocol:
        case Condition::user:
        case Condition::group: return make_numbers(pack, term);
        case Condition::to:
        case Condition::from:
        case Condition::port:
        case Condition::domain:
        case Condition::sha256: return make_group(pack, term);
        case Condition::injected: return make_injected(pack, term);
        case Condition::when: return make_times(pack, term);
        case Condition::profile: return make_profiles(pack, term);
        default: return make_texts(pack, term);
    }
}

std::optional<CompiledTerm> RuleCompiler::make_plain(Condition condition, std::string_view text) {
    switch (condition) {
        case Condition::app:
        case Condition::parent:
        case Condition::script:
            if (!text.starts_with('/') || is_pattern(condition, text)) return std::nullopt;
            return make_path(condition, text);
        case Condition::to:
        case Condition::from:
            if (const auto prefix = Prefix::parse(text); prefix && is_v4(*prefix))
                return v4_term(condition, *prefix);
            return std::nullopt;
        case Condition::port:
            if (set_reference(text)) return std::nullopt;
            if (const auto range = parse_ports(text))
                return CompiledTerm{condition, false, Form::range, range->first, range->last};
            return std::nullopt;
        case Condition::domain:
            if (set_reference(text)) return std::nullopt;
            return CompiledTerm{condition, false, Form::text, text_number(domain_key(text)), 0};
        default: return std::nullopt;
    }
}

std::optional<CompiledTerm> RuleCompiler::make_few(const RulePack& pack, const Packed& term) {
    const auto values = pack.values(term);
    // False leaves what was taken so far behind, unused.
    const auto take_all = [&](auto& out, const auto& take) -> std::optional<std::uint32_t> {
        const std::uint32_t first = number(out.size());
        for (const auto& value : values)
            if (const auto text = pack.text(value.text); set_reference(text) || !take(text)) {
                out.resize(first);
                return std::nullopt;
            }
        return first;
    };
    std::optional<std::uint32_t> first;
    Form form = Form::prefixes;
    if (term.condition == Condition::to || term.condition == Condition::from) {
        first = take_all(terms.prefixes, [&](std::string_view text) {
            const auto prefix = Prefix::parse(text);
            if (prefix) terms.prefixes.push_back(*prefix);
            return prefix.has_value();
        });
    } else if (term.condition == Condition::port) {
        form = Form::ranges;
        first = take_all(terms.ranges, [&](std::string_view text) {
            const auto range = parse_ports(text);
            if (range) terms.ranges.push_back(*range);
            return range.has_value();
        });
    } else if (term.condition == Condition::domain) {
        form = Form::names;
        first = take_all(terms.names, [&](std::string_view text) {
            terms.names.push_back(text_number(domain_key(text)));
            return true;
        });
    }
    if (!first) return std::nullopt;
    return CompiledTerm{term.condition, false, form, *first, term.count};
}

const RuleCompiler::Path& RuleCompiler::path(std::string_view text) {
    const auto [at, fresh] = paths_.try_emplace(text);
    Path& path = at->second;
    if (!fresh) return path;
    path.written = path.real = terms.add_text(text);
    if (resolve_path_)
        if (const auto real = resolve_path_(std::string(text));
            !real.empty() && real != text)
            path.real = terms.add_text(real);
    return path;
}

CompiledTerm RuleCompiler::make_path(Condition condition, std::string_view text) {
    const Path& both = path(text);
    if (both.written == both.real) return {condition, false, Form::text, both.written, 0};
    return {condition, false, Form::two_texts, both.written, both.real};
}

Result<CompiledTerm> RuleCompiler::make_texts(const RulePack& pack, const Packed& term) {
    TextList list;
    for (const auto& value : pack.values(term)) {
        const std::string_view text = pack.text(value.text);
        if (term.condition == Condition::app && (text == "unknown" || text.starts_with("unknown:"))) {
            const auto app = parse_app(text);
            list.unknown_reasons |= app && app->reason ? bit(*app->reason) : every_reason;
        } else if (is_pattern(term.condition, text)) {
            if (auto added = list.add_pattern(text); !added)
                return fail(fmt::format("{} \"{}\": {}", condition_name(term.condition), text,
                                        added.error().what),
                            added.error().remedy, pack.place(value.line, value.column));
        } else {
            list.plain.push_back(text);
            if (is_path_like(term.condition) && text.starts_with('/'))
                if (const Path& both = path(text); both.written != both.real)
                    list.plain.push_back(own(terms.text(both.real)));
        }
    }
    list.sort();
    const bool plain = list.globs.empty() && list.unknown_reasons == 0;
    if (plain && list.plain.size() <= 2) {
        const std::uint32_t first = text_number(list.plain.front());
        if (list.plain.size() == 1) return CompiledTerm{term.condition, false, Form::text, first, 0};
        return CompiledTerm{term.condition, false, Form::two_texts, first,
                            text_number(list.plain.back())};
    }
    terms.text_lists.push_back(std::move(list));
    return CompiledTerm{term.condition, false, Form::texts, number(terms.text_lists.size() - 1), 0};
}

Result<CompiledTerm> RuleCompiler::make_numbers(const RulePack& pack, const Packed& term) {
    std::vector<std::uint32_t> list;
    for (const auto& value : pack.values(term)) {
        const auto one = number_of(term.condition, pack.text(value.text),
                                   pack.place(value.line, value.column));
        if (!one) return std::unexpected(one.error());
        list.push_back(*one);
    }
    std::ranges::sort(list);
    if (list.size() == 1) return CompiledTerm{term.condition, false, Form::number, list[0], 0};
    terms.number_lists.push_back(std::move(list));
    return CompiledTerm{term.condition, false, Form::numbers, number(terms.number_lists.size() - 1),
                        0};
}

CompiledTerm RuleCompiler::make_injected(const RulePack& pack, const Packed& term) {
    std::uint32_t bits = 0;
    for (const auto& value : pack.values(term)) bits |= parse_injection(pack.text(value.text)).value_or(0);
    return {term.condition, false, Form::number, bits, 0};
}

Result<CompiledTerm> RuleCompiler::make_group(const RulePack& pack, const Packed& term) {
    const auto values = pack.values(term);
    const std::string_view first = pack.text(values.front().text);
    if (values.size() == 1 && !set_reference(first)) {
        if (const auto prefix = Prefix::parse(first)) {
            terms.prefixes.push_back(*prefix);
            return CompiledTerm{term.condition, false, Form::prefix,
                                number(terms.prefixes.size() - 1), 0};
        }
    }
    const SetKind kind = condition_info(term.condition).set;
    GroupBuilder builder(kind);
    for (const auto& value : values) {
        const Place place = pack.place(value.line, value.column);
        const std::string_view text = pack.text(value.text);
        if (const auto name = set_reference(text)) {
            const auto set = sets_.find(*name, kind, place);
            if (!set) return std::unexpected(set.error());
            builder.add(**set);
        } else if (auto added = builder.add(text); !added) {
            return fail(added.error().what, added.error().remedy, place);
        }
    }
    terms.groups.push_back(std::move(builder).finish());
    return CompiledTerm{term.condition, false, Form::group, number(terms.groups.size() - 1), 0};
}

Result<CompiledTerm> RuleCompiler::make_times(const RulePack& pack, const Packed& term) {
    std::vector<WeekTime> list;
    for (const auto& value : pack.values(term)) {
        auto time = WeekTime::parse(pack.text(value.text));
        if (!time)
            return fail(time.error().what, time.error().remedy,
                        pack.place(value.line, value.column));
        list.push_back(*time);
    }
    terms.times.push_back(std::move(list));
    return CompiledTerm{term.condition, false, Form::times, number(terms.times.size() - 1), 0};
}

Result<CompiledTerm> RuleCompiler::make_profiles(const RulePack& pack, const Packed& term) {
    std::vector<std::uint32_t> list;
    for (const auto& value : pack.values(term)) {
        const auto found = profiles_.find(pack.text(value.text));
        if (found == profiles_.end())
            return fail(fmt::format("there is no profile \"{}\"", pack.text(value.text)),
                        "define it under profiles, or correct the name",
                        pack.place(value.line, value.column));
        list.push_back(found->second.number);
    }
    terms.profile_lists.push_back(std::move(list));
    return CompiledTerm{term.condition, false, Form::profiles,
                        number(terms.profile_lists.size() - 1), 0};
}

Result<std::uint32_t> RuleCompiler::number_of(Condition condition, std::string_view text,
                                              Place place) const {
    if (condition == Condition::direction)
        if (const auto direction = parse_direction(text)) return static_cast<std::uint32_t>(*direction);
    if (condition == Condition::protocol)
        if (const auto protocol = parse_protocol(text)) return static_cast<std::uint32_t>(*protocol);
    if (auto id = parse_uid(text)) return *id;
    const bool user = condition == Condition::user;
    const auto& look_up = user ? environment_.user_id : environment_.group_id;
    if (look_up)
        if (auto id = look_up(text)) return *id;
    const std::string_view what = user ? "user" : "group";
    return fail(fmt::format("there is no {} \"{}\" on this system", what, text),
                fmt::format("create the {}, correct the name, or give a {}", what,
                            user ? "uid" : "gid"),
                std::move(place));
}

}  // namespace doorward
