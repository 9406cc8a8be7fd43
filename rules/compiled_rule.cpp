// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/compiled_rule.hpp"

#include <algorithm>
#include <span>

#include "rules/domain_name.hpp"
#include "rules/script.hpp"

namespace doorward {

namespace {

using Form = CompiledTerm::Form;

// One condition of one rule against one flow.
class Test {
public:
    Test(const Terms& terms, const Flow& flow, const Surroundings& around, Inputs& inputs)
        : terms_(terms), flow_(flow), around_(around), inputs_(inputs) {}

    Met of(const CompiledTerm& term) const {
        switch (term.condition) {
            case Condition::direction:
                inputs_.add(Input::direction);
                return met(has_number(term, static_cast<std::uint32_t>(flow_.direction)));
            case Condition::protocol:
                inputs_.add(Input::protocol);
                return met(has_number(term, static_cast<std::uint32_t>(flow_.protocol)));
            case Condition::app: return app(term);
            case Condition::user:
                inputs_.add(Input::user);
                return flow_.process ? met(has_number(term, flow_.process->uid)) : Met::neither;
            case Condition::group:
                inputs_.add(Input::group);
                return flow_.process ? met(has_number(term, flow_.process->gid)) : Met::neither;
            case Condition::to: return address(term, flow_.destination(), true);
            case Condition::from: return address(term, flow_.source(), false);
            case Condition::port: return port(term);
            case Condition::injected: return injected(term);
            case Condition::unit:
            case Condition::slice:
            case Condition::container: return control_group(term);
            case Condition::parent: return parent(term);
            case Condition::script: return script(term);
            case Condition::domain: return domain(term);
            case Condition::interface:
                inputs_.add(Input::interface);
                return flow_.interface.empty() ? Met::neither : met(has_text(term, flow_.interface));
            case Condition::package:
            case Condition::verity:
            case Condition::sha256: return content(term);
            case Condition::profile: return profile(term);
            case Condition::when: return when(term);
            default: return Met::neither;
        }
    }

private:
    template <class T>
    static std::span<const T> part(const std::vector<T>& values, const CompiledTerm& term) {
        return std::span(values).subspan(term.a, term.b);
    }

    bool has_number(const CompiledTerm& term, std::uint32_t number) const {
        if (term.form == Form::number) return term.a == number;
        return std::ranges::binary_search(terms_.number_lists[term.a], number);
    }

    bool has_text(const CompiledTerm& term, std::string_view text) const {
        if (text.empty()) return false;
        if (term.form == Form::texts) return terms_.text_lists[term.a].matches(text);
        if (terms_.text(term.a) == text) return true;
        return term.form == Form::two_texts && terms_.text(term.b) == text;
    }

    bool has_any(const CompiledTerm& term, const std::vector<std::string>& texts) const {
        return std::ranges::any_of(texts,
                                   [&](const std::string& text) { return has_text(term, text); });
    }

    Met app(const CompiledTerm& term) const {
        inputs_.add(Input::executable);
        const TextList* list = term.form == Form::texts ? &terms_.text_lists[term.a] : nullptr;
        const bool programs = !list || list->has_texts();
        if (!flow_.process) {
            inputs_.add(Input::unknown_reason);
            if (list && list->unknown_reasons & 1u << static_cast<unsigned>(flow_.unknown))
                return Met::yes;
            return programs ? Met::neither : Met::no;
        }
        if (has_text(term, flow_.process->exe) || has_text(term, flow_.process->appimage))
            return Met::yes;
        // A path that is not known is no path, least of all any path.
        return flow_.process->exe.empty() && programs ? Met::neither : Met::no;
    }

    // Which end of the flow a rule's `to` or `from` speaks of depends on the direction.
    void add_end(bool destination, Input remote, Input local) const {
        inputs_.add(Input::direction);
        inputs_.add((flow_.direction != Direction::in) == destination ? remote : local);
    }

    Met address(const CompiledTerm& term, const Address& address, bool destination) const {
        add_end(destination, Input::remote_address, Input::local_address);
        if (term.form == Form::prefix4)
            return met(address.is_v4() && (address.v4_number() & term.b) == term.a);
        if (term.form == Form::prefix) return met(terms_.prefixes[term.a].contains(address));
        if (term.form == Form::prefixes)
            return met(std::ranges::any_of(part(terms_.prefixes, term), [&](const Prefix& prefix) {
                return prefix.contains(address);
            }));
        const ValueGroup& group = terms_.groups[term.a];
        if (group.asks_network()) inputs_.add(Input::network);
        return group.has_address(address, around_.network);
    }

    Met port(const CompiledTerm& term) const {
        inputs_.add(Input::protocol);
        if (!has_ports(flow_.protocol)) return Met::neither;
        add_end(true, Input::remote_port, Input::local_port);
        const auto port = flow_.destination_port();
        if (term.form == Form::range) return met(term.a <= port && port <= term.b);
        if (term.form == Form::ranges)
            return met(std::ranges::any_of(part(terms_.ranges, term), [&](const PortRange& range) {
                return range.first <= port && port <= range.last;
            }));
        return met(terms_.groups[term.a].has_port(port));
    }

    Met injected(const CompiledTerm& term) const {
        inputs_.add(Input::injected);
        if (!flow_.process) return Met::neither;
        const Injections& code = flow_.process->injected;
        if (code.found & term.a) return Met::yes;
        return code.unknown & term.a ? Met::neither : Met::no;
    }

    Met control_group(const CompiledTerm& term) const {
        inputs_.add(Input::control_group);
        if (!flow_.process) return Met::neither;
        const ControlGroup& group = flow_.process->control_group;
        if (group == ControlGroup{}) return Met::neither;
        if (term.condition == Condition::unit) return met(has_any(term, group.units));
        if (term.condition == Condition::slice) return met(has_any(term, group.slices));
        return met(has_text(term, group.container));
    }

    Met parent(const CompiledTerm& term) const {
        inputs_.add(Input::ancestors);
        if (!flow_.process) return Met::neither;
        if (has_any(term, flow_.process->ancestors)) return Met::yes;
        return flow_.process->ancestors_whole ? Met::no : Met::neither;
    }

    Met script(const CompiledTerm& term) const {
        inputs_.add(Input::script);
        if (!flow_.process || flow_.process->script.starts_with(unknown_prefix)) return Met::neither;
        return met(has_text(term, flow_.process->script));
    }

    // Who comes in was not looked up by anybody; and a name that is not known is none.
    Met domain(const CompiledTerm& term) const {
        inputs_.add(Input::direction);
        if (flow_.direction != Direction::out) return Met::neither;
        inputs_.add(Input::domain);
        if (flow_.names.empty()) return Met::neither;
        if (term.form == Form::group)
            return met(std::ranges::any_of(flow_.names, [&](std::string_view name) {
                return terms_.groups[term.a].has_domain(name);
            }));
        const auto keys = term.form == Form::names ? part(terms_.names, term)
                                                   : std::span(&term.a, 1);
        return met(std::ranges::any_of(flow_.names, [&](std::string_view name) {
            return any_domain_key(name, [&](std::string_view one) {
                return std::ranges::any_of(
                    keys, [&](std::uint32_t key) { return terms_.text(key) == one; });
            });
        }));
    }

    static bool is_known(const ExecutableContent& content, Fact fact) {
        return content.asked.has(fact) && content.missing == NoContent::none;
    }

    // What the executable's file is. Without content, nobody has looked: none of it is met.
    Met content(const CompiledTerm& term) const {
        const bool package = term.condition == Condition::package;
        const bool verity = term.condition == Condition::verity;
        inputs_.add(package ? Input::package : verity ? Input::verity : Input::sha256);
        if (!flow_.process || !flow_.content) return Met::neither;
        const ExecutableContent& content = *flow_.content;
        if (package)
            return has_text(term, content.package)       ? Met::yes
                   : is_known(content, Fact::package) ? Met::no
                                                         : Met::neither;
        if (verity)
            return has_text(term, content.verity)        ? Met::yes
                   : is_known(content, Fact::verity) ? Met::no
                                                         : Met::neither;
        if (!content.sha256) return Met::neither;
        return met(terms_.groups[term.a].has_digest(*content.sha256));
    }

    Met profile(const CompiledTerm& term) const {
        inputs_.add(Input::network);
        if (!around_.network) return Met::neither;
        return met(std::ranges::any_of(terms_.profile_lists[term.a], [&](std::uint32_t profile) {
            return terms_.profiles[profile].holds(*around_.network);
        }));
    }

    Met when(const CompiledTerm& term) const {
        inputs_.add(Input::time);
        if (around_.minute_of_week >= minutes_per_week) return Met::neither;
        return met(std::ranges::any_of(terms_.times[term.a], [&](const WeekTime& time) {
            return time.contains(around_.minute_of_week);
        }));
    }

    const Terms& terms_;
    const Flow& flow_;
    const Surroundings& around_;
    Inputs& inputs_;
};

template <class T>
std::size_t bytes_of(const std::vector<T>& values) {
    return values.capacity() * sizeof(T);
}

}  // namespace

bool CompiledProfile::holds(const Network& network) const {
    const auto one_of = [](const auto& values) {
        return [&values](const auto& value) {
            return std::ranges::find(values, value) != values.end();
        };
    };
    if (!gateways.empty() &&
        std::ranges::none_of(network.gateways, one_of(gateways), &Gateway::address))
        return false;
    if (!gateway_macs.empty() &&
        std::ranges::none_of(network.gateways, one_of(gateway_macs), &Gateway::mac))
        return false;
    if (interfaces.has_texts() &&
        std::ranges::none_of(network.interfaces,
                             [&](const std::string& each) { return interfaces.matches(each); }))
        return false;
    return domains.empty() || std::ranges::any_of(network.domains, one_of(domains));
}

std::uint32_t Terms::add_text(std::string_view text) {
    const auto at = static_cast<std::uint32_t>(texts.size());
    const auto length = static_cast<std::uint16_t>(text.size());
    texts.append(reinterpret_cast<const char*>(&length), sizeof length);
    texts.append(text);
    return at;
}

std::size_t Terms::memory() const {
    std::size_t bytes = bytes_of(rest) + texts.capacity() + bytes_of(prefixes) +
                        bytes_of(ranges) + bytes_of(names) + bytes_of(text_lists) +
                        bytes_of(number_lists) + bytes_of(groups) + bytes_of(times) +
                        bytes_of(profiles) + bytes_of(profile_lists);
    for (const auto& text : own_texts) bytes += sizeof text + text.capacity();
    for (const auto& list : text_lists) bytes += bytes_of(list.plain) + bytes_of(list.globs);
    for (const auto& list : number_lists) bytes += bytes_of(list);
    return bytes;
}

Unmet first_unmet(const CompiledRule& rule, const Terms& terms, const Flow& flow,
                  const Surroundings& around, Inputs& inputs) {
    if (!rule.enabled) return {Condition::enabled, false};
    const Test test(terms, flow, around, inputs);
    for (std::size_t at = 0; at < rule.terms; ++at) {
        const CompiledTerm& term = terms.term(rule, at);
        if (test.of(term) != (term.negated ? Met::no : Met::yes))
            return {term.condition, term.negated};
    }
    if (rule.expires != CompiledRule::never) {
        inputs.add(Input::time);
        if (around.now >= rule.expires) return {Condition::expires, false};
    }
    return {};
}

}  // namespace doorward
