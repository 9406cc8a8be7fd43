// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/explain.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "rules/control_group.hpp"
#include "rules/domain_name.hpp"

namespace doorward {
namespace {

Result<Address> read_address(const std::optional<std::string>& text, const std::string& what) {
    if (!text) return *Address::parse("0.0.0.0");
    if (const auto address = Address::parse(*text)) return *address;
    return fail(what + ": \"" + *text + "\" is no IP address",
                "use one address, as 203.0.113.7 or 2001:db8::7");
}

Result<std::uint32_t> read_user(const std::string& text, const Environment& environment) {
    if (const auto uid = environment.user_id(text)) return *uid;
    std::uint32_t uid = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, uid);
    if (error == std::errc{} && stopped == end && !text.empty()) return uid;
    return fail("user: there is no user \"" + text + "\"", "use a user's name or a decimal uid");
}

Result<std::uint32_t> read_group(const std::string& text, const Environment& environment) {
    if (environment.group_id)
        if (const auto gid = environment.group_id(text)) return *gid;
    if (const auto gid = parse_uid(text)) return *gid;
    return fail("group: there is no group \"" + text + "\"", "use a group's name or a decimal gid");
}

Result<Unknown> read_unknown(const std::string& text) {
    const auto reason = parse_unknown(text);
    if (reason && *reason != Unknown::none) return *reason;
    return fail("unknown: \"" + text + "\" is no reason for not knowing a process",
                "use one of those that `doorward log` shows, as no-binding");
}

Result<Process> read_process(const FlowQuestion& question, const Environment& environment) {
    Process process;
    process.exe = environment.resolve_path(*question.app);
    if (!is_whole_path(process.exe))
        return fail("app: \"" + *question.app + "\" is no absolute path", "begin it with /");
    const auto uid = read_user(question.user, environment);
    if (!uid) return std::unexpected(uid.error());
    process.uid = *uid;
    const auto gid = read_group(question.group, environment);
    if (!gid) return std::unexpected(gid.error());
    process.gid = *gid;
    if (question.unit) process.control_group.units = {*question.unit};
    if (question.slice) process.control_group.slices = {*question.slice};
    if (question.parent) process.ancestors = {environment.resolve_path(*question.parent)};
    process.ancestors_whole = true;
    process.control_group.known = true;
    process.script = environment.resolve_path(question.script.value_or(""));
    if (question.injected) {
        const auto injected = parse_injections(*question.injected);
        if (!injected)
            return fail("injected: \"" + *question.injected + "\" names no ways to inject code",
                        "use preload, library-path, tracer and filter, with a comma between them");
        process.injected = *injected;
    }
    process.control_group.container = question.container.value_or("");
    return process;
}

Result<Process> read_running(std::uint32_t pid, const ProcessOfPid& process_of) {
    if (!process_of)
        return fail("only the daemon knows what runs", "ask it, or give the program with app");
    const auto process = process_of(pid);
    if (!process) return std::unexpected(process.error());
    return **process;
}

Result<std::string> read_domain(const std::string& text) {
    if (auto name = normal_host_name(text)) return *std::move(name);
    return fail("domain: \"" + text + "\" is no host name",
                "use one name, as www.example.org, in its xn-- form if it is not plain ASCII");
}

// Everything but the process.
Result<Flow> read_flow(const FlowQuestion& question) {
    const auto protocol = parse_protocol(question.protocol);
    if (!protocol)
        return fail("protocol: \"" + question.protocol + "\" is no protocol",
                    "use tcp, udp, icmp or another name or number");
    const auto to = read_address(question.to, "to");
    if (!to) return std::unexpected(to.error());
    const auto from = read_address(question.from, "from");
    if (!from) return std::unexpected(from.error());
    const bool out = question.direction != Direction::in;
    Flow flow;
    flow.direction = question.direction;
    flow.protocol = *protocol;
    flow.local = out ? *from : *to;
    flow.remote = out ? *to : *from;
    (out ? flow.remote_port : flow.local_port) = question.port;
    return flow;
}

// As the packet thread does: decide, find out what was open, decide again.
std::shared_ptr<const ExecutableContent> find_content(const Ruleset& ruleset, Flow& flow,
                                                      const Surroundings& around,
                                                      const ContentOfPath& content_of) {
    std::shared_ptr<const ExecutableContent> content;
    const Facts open = unanswered(ruleset.decide(flow, around), flow);
    if (open.none()) return content;
    content = content_of(flow.process->exe, Facts::all());
    if (!content)
        content = std::make_shared<const ExecutableContent>(
            ExecutableContent::nothing(Facts::all(), NoContent::timed_out));
    flow.content = content.get();
    return content;
}

Explanation explanation_of(const Ruleset& ruleset, const Flow& flow, const Surroundings& around) {
    const Decision decision = ruleset.decide(flow, around);
    Explanation explanation;
    explanation.action = decision.action;
    if (decision.rule != Decision::no_rule) {
        explanation.rule = ruleset.name(decision.rule);
        explanation.place = ruleset.place(decision.rule);
    }
    for (const Trial& trial : ruleset.explain(flow, around)) {
        if (trial.failed == Condition::none) break;
        const std::string failed(condition_name(trial.failed));
        explanation.trials.push_back({std::string(ruleset.name(trial.rule)),
                                      ruleset.place(trial.rule),
                                      trial.negated ? "not " + failed : failed,
                                      held_before(ruleset.rule(trial.rule), trial)});
    }
    return explanation;
}

}  // namespace

std::uint64_t held_before(const Rule& rule, const Trial& trial) {
    return static_cast<std::uint64_t>(std::ranges::count_if(rule.terms, [&](const Term& term) {
        return std::tuple(term.condition, term.negated) < std::tuple(trial.failed, trial.negated);
    }));
}

Controlling<Explanation> explain_question(const Ruleset& ruleset, const FlowQuestion& question,
                                          const Environment& environment,
                                          const Surroundings& around,
                                          const ContentOfPath& content_of,
                                          const ProcessOfPid& process_of) {
    const auto wrong = [](Error error) {
        return control_fail(ControlFailure::Kind::invalid_rule, std::move(error));
    };
    if (question.app.has_value() + question.unknown.has_value() + question.pid.has_value() != 1)
        return wrong({"the question must give either \"app\" or \"unknown\" or \"pid\"", {}, {}});
    auto flow = read_flow(question);
    if (!flow) return wrong(flow.error());
    std::string name;
    if (question.domain) {
        auto normal = read_domain(*question.domain);
        if (!normal) return wrong(normal.error());
        name = *std::move(normal);
    }
    if (question.interface) flow->interface = *question.interface;
    const std::string_view names[] = {name};
    if (!name.empty()) flow->names = names;
    if (question.unknown) {
        const auto reason = read_unknown(*question.unknown);
        if (!reason) return wrong(reason.error());
        flow->unknown = *reason;
        return explanation_of(ruleset, *flow, around);
    }
    const auto process = question.pid ? read_running(*question.pid, process_of)
                                      : read_process(question, environment);
    if (!process) return wrong(process.error());
    flow->process = &*process;
    const auto content = find_content(ruleset, *flow, around, content_of);
    return explanation_of(ruleset, *flow, around);
}

}  // namespace doorward
