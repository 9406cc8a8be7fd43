// SPDX-License-Identifier: GPL-2.0-or-later
// One rule, and one flow with all that is known of it, to be changed bit by bit.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

inline const std::string digest_of_curl(64, 'c');

// curl of alice, in ssh.service, made by make, on Monday at 10:00, to a web server.
struct Situation {
    Direction direction = Direction::out;
    Protocol protocol = Protocol::tcp;
    std::string local = "192.0.2.10";
    std::string remote = "203.0.113.7";
    std::uint16_t local_port = 40000;
    std::uint16_t remote_port = 443;
    std::string interface = "eth0";
    std::vector<std::string_view> names{"www.example.org"};
    std::optional<Process> process{Process{}};
    Unknown unknown = Unknown::no_binding;  // if there is no process
    std::optional<ExecutableContent> content{
        ExecutableContent::nothing(Facts::all(), NoContent::none)};
    std::optional<Network> network{Network{{Prefix::parse("192.0.2.0/24").value()},
                                           {Address::parse("192.0.2.10").value()},
                                           {Address::parse("9.9.9.9").value()},
                                           {{Address::parse("192.0.2.1").value(),
                                             "52:54:00:12:34:56", "eth0"}},
                                           {"eth0"},
                                           {"office.example"}}};
    std::uint16_t minute = 10 * 60;
    std::int64_t now = 1000;

    Situation() {
        process->exe = "/usr/bin/curl";
        process->uid = 1000;
        process->gid = 100;
        process->control_group = {{"ssh.service"}, {"system.slice"}, "lxc:web"};
        process->ancestors = {"/usr/bin/make"};
        process->ancestors_whole = true;
        process->script = "/opt/run.py";
        process->injected.add(Injection::library_path);
        content->sha256 = parse_sha256_hex(digest_of_curl);
        content->verity = "sha256:" + digest_of_curl;
        content->package = "curl";
    }

    // Points into this object.
    Flow flow() const {
        Flow flow;
        flow.direction = direction;
        flow.protocol = protocol;
        flow.local = Address::parse(local).value();
        flow.remote = Address::parse(remote).value();
        flow.local_port = local_port;
        flow.remote_port = remote_port;
        flow.process = process ? &*process : nullptr;
        flow.unknown = process ? Unknown::none : unknown;
        flow.names = names;
        flow.content = content ? &*content : nullptr;
        flow.interface = interface;
        return flow;
    }

    Surroundings around() const { return {now, minute, network ? &*network : nullptr}; }
};

// Users alice (1000) and bob, groups users (100) and wheel; no lists.
inline Environment small_environment() {
    return {[](std::string_view name) -> std::optional<std::uint32_t> {
                if (name == "alice") return 1000;
                if (name == "bob") return 1001;
                return std::nullopt;
            },
            [](const std::string& path) { return path; },
            [](std::string_view name) -> std::optional<std::uint32_t> {
                if (name == "users") return 100;
                if (name == "wheel") return 10;
                return std::nullopt;
            }};
}

inline Ruleset::Packs packs_of(const std::vector<std::string>& texts) {
    Ruleset::Packs packs;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto pack = parse_rule_pack(texts[i], std::string(1, static_cast<char>('a' + i)) + ".yaml");
        INFO(texts[i]);
        INFO((pack ? std::string() : pack.error().text()));
        REQUIRE(pack);
        packs.push_back(*pack);
    }
    return packs;
}

// The files are a.yaml, b.yaml, …
inline std::shared_ptr<const Ruleset> compiled(const std::vector<std::string>& texts,
                                               const Environment& environment = small_environment()) {
    auto ruleset = Ruleset::compile(packs_of(texts), {}, environment);
    INFO((ruleset ? std::string() : ruleset.error().text()));
    REQUIRE(ruleset);
    return *ruleset;
}

// The error of the first step that fails.
inline std::string refusal_of(const std::vector<std::string>& texts,
                              const Environment& environment = small_environment()) {
    Ruleset::Packs packs;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto pack = parse_rule_pack(texts[i], std::string(1, static_cast<char>('a' + i)) + ".yaml");
        if (!pack) return pack.error().text();
        packs.push_back(*pack);
    }
    const auto ruleset = Ruleset::compile(std::move(packs), {}, environment);
    return ruleset ? "accepted" : ruleset.error().text();
}

// The name of the rule that decides; "-": none. explain() must say the same.
inline std::string winner(const Ruleset& rules, const Situation& situation) {
    const Flow flow = situation.flow();
    const auto decision = rules.decide(flow, situation.around());
    const auto trials = rules.explain(flow, situation.around());
    const bool explained = !trials.empty() && trials.back().failed == Condition::none;
    CHECK((explained ? trials.back().rule : Decision::no_rule) == decision.rule);
    return decision.rule == Decision::no_rule ? "-" : std::string(rules.name(decision.rule));
}

// Whether a rule with these keys, "app: /x, not: {port: 80}", is met.
inline bool meets(const std::string& keys, const Situation& situation,
                  const std::string& definitions = {}) {
    const auto rules = compiled({"rules: [{name: r, " + keys + ", action: accept}]\n" + definitions});
    return winner(*rules, situation) == "r";
}

}  // namespace doorward
