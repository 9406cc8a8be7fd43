// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_terms.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

namespace {

constexpr std::string_view file_prefix = "file:";

Result<Term> read_term(const YamlValue& value, const ConditionInfo& info, bool negated,
                       bool inherited) {
    if (info.single && !value.node->is_scalar()) return std::unexpected(yaml_text(value).error());
    auto values = read_values(value, info.canonical);
    if (!values) return std::unexpected(values.error());
    return Term{info.condition, negated, inherited, std::move(*values)};
}

Result<void> read_conditions(const YamlMap& map, bool negated, bool inherited,
                             std::vector<Term>& terms) {
    for (const ConditionInfo& info : conditions()) {
        const YamlValue* value = map.find(info.key);
        if (!value) continue;
        auto term = read_term(*value, info, negated, inherited);
        if (!term) return std::unexpected(term.error());
        terms.push_back(std::move(*term));
    }
    return {};
}

// A positive term of a condition, be it the rule's own or inherited, of which all values are such.
const Term* positive(const Rule& rule, Condition condition,
                     bool (*such)(std::string_view) = [](std::string_view) { return true; }) {
    for (const Term& term : rule.terms)
        if (term.condition == condition && !term.negated &&
            std::ranges::all_of(term.values, [&](const Value& each) { return such(each.text); }))
            return &term;
    return nullptr;
}

bool names_unknown(std::string_view app) { return app == "unknown" || app.starts_with("unknown:"); }

bool has_no_ports(std::string_view protocol) { return !has_ports(*parse_protocol(protocol)); }

Result<void> check_content(const Rule& rule, const auto& wrong) {
    const Term* script = positive(rule, Condition::script);
    if (script && !positive(rule, Condition::app))
        return wrong(*script, "any program can be started as if it ran this script",
                     "name the interpreter too, such as app: /usr/bin/python3");
    const Term* app = positive(rule, Condition::app, names_unknown);
    if (!app) return {};
    if (const Term* user = positive(rule, Condition::user))
        return wrong(*user, "an unknown process has no known user",
                     "remove user, or name a program");
    for (const Term& term : rule.terms)
        if (condition_info(term.condition).of_process)
            return wrong(*app, "of an unknown process nothing else is known",
                         "name a program, or remove the other conditions on it");
    return {};
}

// The values that a profile's fact may have, each as it is kept.
Result<std::vector<std::string>> read_facts(const YamlMap& map, std::string_view key,
                                            Result<std::string> (*canonical)(std::string_view)) {
    std::vector<std::string> out;
    const YamlValue* value = map.find(key);
    if (!value) return out;
    auto values = read_values(*value, canonical);
    if (!values) return std::unexpected(values.error());
    for (Value& each : *values) out.push_back(std::move(each.text));
    return out;
}

Result<std::string> parse_mac(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    bool sound = out.size() == 17;
    for (std::size_t i = 0; sound && i < out.size(); ++i)
        sound = i % 3 == 2 ? out[i] == ':'
                           : (out[i] >= '0' && out[i] <= '9') || (out[i] >= 'a' && out[i] <= 'f');
    if (sound) return out;
    return fail(fmt::format("\"{}\" is no hardware address", text.substr(0, 40)),
                "write six pairs of hexadecimal digits, such as 52:54:00:12:34:56");
}

Result<std::string> parse_gateway(std::string_view text) {
    if (const auto address = Address::parse(text)) return address->to_string();
    return fail(fmt::format("\"{}\" is no address", text.substr(0, 40)),
                "write the address of the default gateway, such as 192.0.2.1");
}

Result<std::string> parse_search_domain(std::string_view text) {
    auto domain = parse_domain(text);
    if (domain && domain->starts_with('*'))
        return fail(fmt::format("\"{}\" is no search domain", text.substr(0, 80)),
                    "write one name, as it stands in resolv.conf");
    return domain;
}

Result<std::string> parse_interface_text(std::string_view text) {
    auto pattern = parse_interface(text);
    if (!pattern) return std::unexpected(pattern.error());
    return pattern->text;
}

Result<std::string> check_file(std::string_view text) {
    const auto path = text.substr(file_prefix.size());
    if (const auto file = parse_app(path); file && file->kind == AppPattern::Kind::path)
        return std::string(text);
    return fail(fmt::format("\"{}\" does not name a file", text.substr(0, 80)),
                "write file: and the whole path of a list, such as file:/etc/doorward/lists/ads");
}

}  // namespace

Result<std::vector<Value>> read_values(
    const YamlValue& value, const std::function<Result<std::string>(std::string_view)>& canonical) {
    const auto items = yaml_items(value);
    if (!items) return std::unexpected(items.error());
    std::vector<Value> values;
    values.reserve(items->size());
    for (const YamlValue& item : *items) {
        const auto text = yaml_text(item);
        if (!text) return std::unexpected(text.error());
        auto normal = canonical(*text);
        if (!normal) return item.error(normal.error().what, normal.error().remedy);
        values.push_back({std::move(*normal), item.line, item.column});
    }
    return values;
}

Result<void> read_terms(const YamlMap& map, bool inherited, std::vector<Term>& terms) {
    if (auto done = read_conditions(map, false, inherited, terms); !done) return done;
    if (const YamlValue* value = map.find("not")) {
        const auto keys = condition_keys();
        const auto negated = YamlMap::read(*value, keys, value->prefix);
        if (!negated) return std::unexpected(negated.error());
        if (value->node->children.empty())
            return value->error("there is nothing in it", "name a condition, or remove the key");
        if (auto done = read_conditions(*negated, true, inherited, terms); !done) return done;
    }
    // By insertion: equals keep their order, and there are few.
    for (auto at = terms.begin(); at != terms.end(); ++at)
        std::rotate(std::upper_bound(terms.begin(), at, *at, term_before), at, at + 1);
    return {};
}

Result<void> check_meaning(const Rule& rule, const std::string& label) {
    const auto wrong = [&](const Term& term, std::string what, std::string remedy) {
        const Value& value = term.values.front();
        return fail(fmt::format("{}: {}: {}", label, condition_name(term.condition), what),
                    std::move(remedy), {rule.place.file, value.line, value.column});
    };
    const Term* protocol = positive(rule, Condition::protocol, has_no_ports);
    const Term* port = positive(rule, Condition::port);
    const Term* domain = positive(rule, Condition::domain);
    const Term* direction = positive(rule, Condition::direction);
    if (port && protocol)
        return wrong(*port, "the protocols of this rule have no ports",
                     "remove port, or add tcp, udp, udplite or sctp");
    if (domain && direction && direction->values.front().text == "in")
        return wrong(*domain, "who comes in has no name that was asked for",
                     "remove domain, or write direction: out");
    return check_content(rule, wrong);
}

Result<SetDefinition> read_set(const YamlValue& value) {
    SetDefinition set;
    auto name = parse_word(value.name);
    if (name && parse_network_word(*name))
        name = fail("this name has a meaning of its own", "choose another name");
    if (!name) return value.error(name.error().what, name.error().remedy);
    set.name = *name;
    const std::string label = fmt::format("set \"{}\": ", set.name);
    const auto map = YamlMap::read(value, set_keys, label);
    if (!map) return std::unexpected(map.error());
    if (value.node->children.size() != 2)
        return value.error("a set has values of one kind",
                           "write one of the keys addresses, ports, domains and sha256");
    const YamlValue& values = *map->find(value.node->children.front().scalar);
    set.kind = *parse_set_kind(values.name);
    set.place = map->start().place();
    auto read = read_values(values, [&](std::string_view text) {
        return text.starts_with(file_prefix) ? check_file(text)
                                             : canonical_set_value(set.kind, text);
    });
    if (!read) return std::unexpected(read.error());
    set.values = std::move(*read);
    return set;
}

Result<ProfileDefinition> read_profile(const YamlValue& value) {
    ProfileDefinition profile;
    const auto name = parse_word(value.name);
    if (!name) return value.error(name.error().what, name.error().remedy);
    profile.name = *name;
    const std::string label = fmt::format("profile \"{}\": ", profile.name);
    const auto map = YamlMap::read(value, profile_keys, label);
    if (!map) return std::unexpected(map.error());
    if (value.node->children.empty())
        return value.error("there is nothing in it", "say by what the network is known");
    profile.place = map->start().place();
    Result<void> done;
    const auto read = [&](std::string_view key, auto canonical, std::vector<std::string>& out) {
        if (!done) return;
        auto facts = read_facts(*map, key, canonical);
        if (facts) out = std::move(*facts);
        else done = std::unexpected(facts.error());
    };
    read("gateway", parse_gateway, profile.gateways);
    read("gateway_mac", parse_mac, profile.gateway_macs);
    read("interface", parse_interface_text, profile.interfaces);
    read("domain", parse_search_domain, profile.domains);
    if (!done) return std::unexpected(done.error());
    return profile;
}

}  // namespace doorward
