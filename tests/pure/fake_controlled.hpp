// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon without a network: answers what it is told to, remembers what it was asked.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fwd/control_types.hpp"
#include "fwd/explain.hpp"
#include "rules/rule_export.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {

class FakeControlled : public Controlled {
public:
    // Guarded by nothing: read these only while no call is being made.
    std::vector<Rule> rules_in_force =
        *parse_rules("rules:\n"
                     "  - name: web\n"
                     "    app: /usr/bin/curl\n"
                     "    port: [80, 443]\n"
                     "    protocol: tcp\n"
                     "    action: accept\n"
                     "  - name: alice-off\n"
                     "    user: 1000\n"
                     "    action: drop\n"
                     "    enabled: false\n",
                     "/etc/doorward/rules.d/10-web.yaml");
    Mode mode = Mode::observe;
    std::vector<std::string> asked;
    Lifetime added_until;  // of the last rule that was added
    Lifetime listed_until; // of every rule that is listed
    std::optional<ControlFailure> failure;  // of every call that changes something
    bool throws = false;
    bool undone_again = false;
    ApplyRequest asked_for;  // last
    Applied applied{7, 2, {}, false, {}};

    Status status() override {
        asked.push_back("status");
        if (throws) throw std::runtime_error("boom");
        Status status;
        status.version = "1.2.3";
        status.mode = mode;
        status.hooks = "cgroup";
        status.missing = {{"kprobes", "flows are bound by the cgroup hooks"}};
        status.queue = 4870;
        status.queue_kind = QueueKind::xtables;
        status.pid = 42;
        status.uptime_s = 3700;
        status.ruleset = {rules_in_force.size(), 7, 1700000000, "10-web.yaml:3:5: no such key", 2, 256,
                          {}, "/etc/doorward/new", 1700000060};
        status.packets.received = 10;
        status.packets.unknown = {{"no-binding", 3}};
        status.audit.database = "/var/lib/doorward/audit.db";
        status.audit.error = "the disk is full";
        status.maps = {{"bindings", 65536, 1}};
        status.names.enabled = true;
        status.names.resolvers = {"192.0.2.53"};
        status.names.addresses = 12;
        status.names.refused = {{"not-asked", 4}, {"cut", 0}};
        status.network.known = status.network.asked = true;
        status.network.interfaces = {"eth0", "lo"};
        status.network.lan = {"192.0.2.0/24"};
        status.network.gateways = {{"192.0.2.1", "52:54:00:ab:cd:ef", "eth0"}, {"192.0.2.2", "", "eth0"}};
        status.network.profiles = {"office"};
        for (int i = 1; i <= 9; ++i) status.network.self.push_back("192.0.2.1" + std::to_string(i));
        return status;
    }

    RuleList rules() override {
        asked.push_back("rules");
        RuleList list;
        for (const Rule& rule : rules_in_force) list.rules.push_back({rule, 5, listed_until});
        return list;
    }

    RuleExport export_rules() override {
        asked.push_back("export");
        const Environment environment{
            [](std::string_view) -> std::optional<std::uint32_t> { return std::nullopt; },
            [](const std::string& path) { return path; }};
        const auto ruleset = Ruleset::compile(rules_in_force, Defaults{}, environment);
        RuleExport out;
        for (const Rule& rule : rules_in_force) out.origins.push_back(rule.place);
        out.text = doorward::export_rules(**ruleset, [&](std::uint32_t at) { return out.origins[at].text(); });
        return out;
    }

    Controlling<RuleChange> add_rule(const Rule& rule, bool first, const Lifetime& lifetime) override {
        asked.push_back("add " + rule.name + (first ? " first" : " last") +
                        (lifetime.temporary() ? " " + lifetime_text(lifetime) : ""));
        added_until = lifetime;
        if (failure) return std::unexpected(*failure);
        if (find(rule.name) != rules_in_force.end())
            return control_fail(ControlFailure::Kind::rule_exists,
                                {"there is one already", {}, {}});
        const auto at = first ? rules_in_force.begin() : rules_in_force.end();
        const auto added = rules_in_force.insert(at, rule);
        const auto position = static_cast<std::uint64_t>(added - rules_in_force.begin()) + 1;
        const std::string file = lifetime.temporary() ? "(" + lifetime_text(lifetime) + ")"
                                                      : "/etc/doorward/rules.d/00-command.yaml";
        return RuleChange{rule.name, file, position, rules_in_force.size()};
    }

    Controlling<RuleChange> remove_rule(const std::string& name) override {
        asked.push_back("remove " + name);
        const auto found = find(name);
        if (found == rules_in_force.end())
            return control_fail(ControlFailure::Kind::rule_not_found,
                                {"there is no rule \"" + name + "\"", {}, {}});
        rules_in_force.erase(found);
        return RuleChange{name, "/etc/doorward/rules.d/10-web.yaml", 1, rules_in_force.size()};
    }

    Controlling<RuleChange> set_rule_enabled(const std::string& name, bool enabled) override {
        asked.push_back((enabled ? "enable " : "disable ") + name);
        const auto found = find(name);
        if (found == rules_in_force.end())
            return control_fail(ControlFailure::Kind::rule_not_found, {"no such rule", {}, {}});
        found->enabled = enabled;
        return RuleChange{name, "/etc/doorward/rules.d/10-web.yaml", 1, rules_in_force.size()};
    }

    Controlling<Undone> undo_change() override {
        asked.push_back("undo");
        if (failure) return std::unexpected(*failure);
        undone_again = !undone_again;
        return Undone{"rule web removed", !undone_again, rules_in_force.size()};
    }

    Controlling<Applied> apply(const ApplyRequest& request) override {
        asked.push_back("apply " + request.folder +
                        (request.confirm_s ? " for " + std::to_string(*request.confirm_s) : ""));
        asked_for = request;
        if (failure) return std::unexpected(*failure);
        Applied told = applied;
        if (request.confirm_s) told.until = 1700000000 + *request.confirm_s;
        return told;
    }

    Controlling<Applied> confirm() override {
        asked.push_back("confirm");
        if (failure) return std::unexpected(*failure);
        return applied;
    }

    Controlling<Reloaded> revert() override {
        asked.push_back("revert");
        if (failure) return std::unexpected(*failure);
        return Reloaded{rules_in_force.size(), 8};
    }

    Controlling<Reloaded> reload() override {
        asked.push_back("reload");
        if (failure) return std::unexpected(*failure);
        return Reloaded{rules_in_force.size(), 8};
    }

    Controlling<void> set_mode(Mode wanted) override {
        asked.push_back("mode " + std::string(mode_name(wanted)));
        if (failure) return std::unexpected(*failure);
        mode = wanted;
        return {};
    }

    Controlling<Explanation> explain(const FlowQuestion& question) override {
        asked.push_back("explain");
        const Environment environment{
            [](std::string_view) -> std::optional<std::uint32_t> { return std::nullopt; },
            [](const std::string& path) { return path; }};
        const auto ruleset = Ruleset::compile(rules_in_force, Defaults{}, environment);
        return explain_question(**ruleset, question, environment, 0,
                                [](const std::string&, Facts) { return nullptr; },
                                [](std::uint32_t pid) -> Result<std::shared_ptr<const Process>> {
                                    if (pid != 42) return fail("there is no such process");
                                    Process process;
                                    process.exe = "/usr/bin/curl";
                                    return std::make_shared<const Process>(process);
                                });
    }

    Controlling<std::vector<OpenFlow>> flows() override {
        asked.push_back("flows");
        OpenFlow flow;
        flow.protocol = Protocol::tcp;
        flow.local = *Address::parse("2001:db8::1");
        flow.local_port = 40000;
        flow.remote = *Address::parse("2001:db8::7");
        flow.remote_port = 443;
        flow.exe = "/usr/bin/\x1b[31mcurl\xff";  // a path may be any bytes
        flow.pid = 99;
        flow.user = "alice";
        flow.rule = "web";
        flow.age_s = 61;
        flow.host = "www.example.org";
        flow.sent = 2048;
        flow.received = 5'000'000;
        return std::vector{flow};
    }

    Controlling<void> cut_flow(const FlowEnds& flow) override {
        asked.push_back("cut " + flow.remote.to_string() + " of " + std::to_string(flow.pid));
        if (failure) return std::unexpected(*failure);
        return {};
    }

private:
    std::vector<Rule>::iterator find(const std::string& name) {
        return std::ranges::find(rules_in_force, name, &Rule::name);
    }
};

}  // namespace doorward
