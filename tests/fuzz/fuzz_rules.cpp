// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as a rule file: parse, compile, decide, write out again, edit.
#include <cstdint>
#include <string>
#include <string_view>

#include "require.hpp"
#include "rules/rule_edit.hpp"
#include "rules/rule_text.hpp"
#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

constexpr std::size_t edited_rules = 4;  // edits parse the whole text again: a few say enough

Environment environment() {
    const auto number = [](std::string_view name) -> std::optional<std::uint32_t> {
        if (name.starts_with('x')) return std::nullopt;
        return static_cast<std::uint32_t>(name.size());
    };
    return {number, [](const std::string& path) { return path; }, number,
            [](const std::string& path, SetKind) -> Result<std::shared_ptr<const ListedValues>> {
                if (path.size() % 2) return fail("there is no such list", "write one");
                return std::make_shared<const ListedValues>();
            }};
}

// What a rule says itself: format_rule() writes nothing else.
Rule without_inherited(Rule rule) {
    std::erase_if(rule.terms, [](const Term& term) { return term.inherited; });
    return rule;
}

// explain() must end where decide() ends.
void decide(const Ruleset& ruleset, const Process* process, Direction direction,
            const Surroundings& around) {
    Flow flow;
    flow.direction = direction;
    flow.protocol = Protocol::tcp;
    flow.remote_port = 443;
    flow.process = process;
    flow.unknown = process ? Unknown::none : Unknown::kernel;
    const auto decision = ruleset.decide(flow, around);
    const auto trials = ruleset.explain(flow, around);
    const bool matched = !trials.empty() && trials.back().failed == Condition::none;
    require((matched ? trials.back().rule : Decision::no_rule) == decision.rule);
}

void compile_and_decide(const std::shared_ptr<const RulePack>& pack,
                        const std::vector<Rule>& rules) {
    const auto ruleset = Ruleset::compile(Ruleset::Packs{pack}, {}, environment());
    if (!ruleset) {
        require(!ruleset.error().place.file.empty());
        return;
    }
    require((*ruleset)->size() == rules.size());
    Process process;
    for (const auto& rule : rules)
        if (const Term* app = rule.find(Condition::app)) process.exe = app->values.back().text;
    const Network network{{}, {Address{}}, {Address{}}, {{Address{}, "52:54:00:12:34:56", "eth0"}},
                          {"eth0"}, {"example.org"}};
    for (const auto direction : {Direction::out, Direction::in})
        for (const Surroundings& around : {Surroundings(1000), Surroundings(1000, 600, &network)}) {
            decide(**ruleset, &process, direction, around);
            decide(**ruleset, nullptr, direction, around);
        }
}

void check_edits(std::string_view text, const std::vector<Rule>& rules) {
    for (std::size_t i = 0; i < rules.size() && i < edited_rules; ++i) {
        if (const auto edited = remove_rule(text, rules[i].name, "f")) {
            auto expected = rules;
            expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(i));
            require(same_rules(parse_rules(*edited, "f").value(), expected));
        }
        const bool enabled = !rules[i].enabled;
        if (const auto edited = set_enabled(text, rules[i].name, enabled, "f"))
            require(parse_rules(*edited, "f").value()[i].enabled == enabled);
    }
    Rule rule;
    rule.name = "inserted-by-fuzzer";
    if (const auto edited = insert_first(text, rule, "f")) {
        const auto again = parse_rules(*edited, "f").value();
        require(again.size() == rules.size() + 1 && same_rule(again.front(), rule));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto pack = parse_rule_pack(text, "f");
    if (!pack) {
        require(!pack.error().what.empty() && pack.error().place.file == "f");
        return 0;
    }
    const auto rules = (*pack)->rules();
    std::string written = "rules:\n";
    std::vector<Rule> own;
    for (const auto& rule : rules) {
        own.push_back(without_inherited(rule));
        // Without what it inherits a rule may contradict itself, as a script without its app.
        if (parse_rules("rules:\n" + format_rule(rule), "f")) {
            written += format_rule(rule);
        } else {
            require(own.back().terms.size() < rule.terms.size());
            own.pop_back();
        }
        require(summary(rule).find('\n') == std::string::npos);
    }
    const auto again = parse_rules(written, "f");
    require(again && same_rules(*again, own));
    compile_and_decide(*pack, rules);
    check_edits(text, rules);
    return 0;
}
