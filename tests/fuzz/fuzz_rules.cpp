// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as a rule file: parse, compile, decide, write out again, edit.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rules/rule_edit.hpp"
#include "rules/rule_text.hpp"
#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

constexpr std::size_t edited_rules = 4;  // edits parse the whole text again: a few say enough

void require(bool condition) {
    if (!condition) std::abort();
}

Environment environment() {
    return {[](std::string_view name) -> std::optional<std::uint32_t> {
                if (name.starts_with('x')) return std::nullopt;
                return static_cast<std::uint32_t>(name.size());
            },
            [](const std::string& path) { return path; }};
}

// explain() must end where decide() ends.
void decide(const Ruleset& ruleset, const Process* process, Direction direction) {
    Flow flow;
    flow.direction = direction;
    flow.protocol = Protocol::tcp;
    flow.remote_port = 443;
    flow.process = process;
    flow.unknown = process ? Unknown::none : Unknown::kernel;
    const auto decision = ruleset.decide(flow, 1000);
    const auto trials = ruleset.explain(flow, 1000);
    const bool matched = !trials.empty() && trials.back().failed == Condition::none;
    require((matched ? trials.back().rule : nullptr) == decision.rule);
}

void compile_and_decide(const std::vector<Rule>& rules) {
    const auto ruleset = Ruleset::compile(rules, {}, environment());
    if (!ruleset) {
        require(!ruleset.error().place.file.empty());
        return;
    }
    Process process;
    for (const auto& rule : rules)
        for (const auto& app : rule.apps) process.exe = app.text;
    for (const auto direction : {Direction::out, Direction::in}) {
        decide(**ruleset, &process, direction);
        decide(**ruleset, nullptr, direction);
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
    const auto rules = parse_rules(text, "f");
    if (!rules) {
        require(!rules.error().what.empty() && rules.error().place.file == "f");
        return 0;
    }
    std::string written = "rules:\n";
    for (const auto& rule : *rules) {
        written += format_rule(rule);
        require(summary(rule).find('\n') == std::string::npos);
    }
    const auto again = parse_rules(written, "f");
    require(again && same_rules(*again, *rules));
    compile_and_decide(*rules);
    check_edits(text, *rules);
    return 0;
}
