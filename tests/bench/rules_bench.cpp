// SPDX-License-Identifier: GPL-2.0-or-later
// What rules cost: time for a decision against the number of rules, with the naive scan beside it;
// time and memory from YAML to a ruleset that runs. Usage: rules-bench [MOST-RULES [rounds [flows in turn]]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

// Of processor time: other programs of the machine are not what is measured.
double now() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double seconds_since(double begin) { return now() - begin; }

// "VmRSS" or "VmHWM" of this process, in MB.
double memory_mb(const std::string& key) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key)) return std::stod(line.substr(key.size() + 1)) / 1024;
    return 0;
}

// What a busy host might have: most rules about one program and some destination, some about
// addresses, ports, names or users alone, a few about anything.
std::string rule_text(std::size_t i) {
    const auto address = fmt::format("10.{}.{}.{}", i >> 16 & 255, i >> 8 & 255, i & 255);
    std::string out = fmt::format("  - name: rule-{}\n", i);
    switch (i % 8) {
        case 0:
        case 1:
        case 2:
            out += fmt::format("    app: /usr/bin/program-{}\n    to: {}\n    port: 443\n", i, address);
            break;
        case 3:  // many rules about one program
            out += fmt::format("    app: /usr/bin/browser\n    to: {}\n    protocol: tcp\n", address);
            break;
        case 4: out += fmt::format("    to: [{}, 2001:db8::{:x}:{:x}/124]\n    port: [80, 443]\n", address,
                                   i >> 16, (i & 0xffff) & 0xfff0); break;
        case 5: out += fmt::format("    domain: [host-{}.example.org, \"*.net-{}.example\"]\n", i, i); break;
        case 6: out += fmt::format("    app: \"/opt/tool-{}/**\"\n    user: {}\n", i, 1000 + i % 5000); break;
        default: out += fmt::format("    user: {}\n    port: {}\n    protocol: [tcp, udp]\n", 1000 + i % 50000,
                                    1024 + i % 60000); break;
    }
    return out + (i % 3 == 0 ? "    action: drop\n" : "    action: accept\n");
}

// A file has bounds: many rules stand in several.
constexpr std::size_t most_in_a_file = 250'000;

std::vector<std::string> file_texts(std::size_t rules) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < rules; ++i) {
        if (i % most_in_a_file == 0) texts.emplace_back("rules:\n");
        texts.back() += rule_text(i);
    }
    return texts;
}

Ruleset::Packs parse(const std::vector<std::string>& texts) {
    Ruleset::Packs packs;
    for (const std::string& text : texts) {
        auto pack = parse_rule_pack(text, fmt::format("bench-{}.yaml", packs.size()));
        if (!pack) fmt::print(stderr, "{}\n", pack.error().text()), std::exit(1);
        packs.push_back(std::move(*pack));
    }
    return packs;
}

Environment environment() {
    Environment out;
    out.resolve_path = [](const std::string& path) { return path; };
    return out;
}

// Flows that hit rules all over the set, and as many that hit none.
struct Flows {
    std::vector<Process> processes;
    std::vector<std::string> names;
    std::vector<std::string_view> views;
    std::vector<Flow> flows;

    Flows(std::size_t rules, std::size_t count) {
        processes.resize(count);
        names.resize(count);
        views.resize(count);
        flows.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t rule = i * 7919 % rules;
            const bool hit = i % 2 == 0;
            Flow& flow = flows[i];
            Process& process = processes[i];
            process.exe = rule % 8 == 3   ? "/usr/bin/browser"
                          : rule % 8 == 6 ? fmt::format("/opt/tool-{}/bin/x", rule)
                                          : fmt::format("/usr/bin/program-{}", rule);
            process.uid = 1000 + static_cast<std::uint32_t>(rule % 5000);
            if (!hit) process.exe = "/usr/bin/another";
            flow.process = &process;
            flow.protocol = Protocol::tcp;
            flow.remote = *Address::parse(
                hit ? fmt::format("10.{}.{}.{}", rule >> 16 & 255, rule >> 8 & 255, rule & 255)
                    : fmt::format("192.0.2.{}", i % 256));
            flow.remote_port = 443;
            names[i] = hit && rule % 8 == 5 ? fmt::format("host-{}.example.org", rule)
                                            : "www.example.net";
            views[i] = names[i];
            flow.names = std::span(&views[i], 1);
        }
    }
};

// A flow as whoever asks has just put it together: what it says is at hand, what the rules say is not.
class FlowAtHand {
public:
    const Flow& take(const Flow& from) {
        process_.exe = from.process->exe;
        process_.uid = from.process->uid;
        name_ = from.names.front();
        view_ = name_;
        flow_ = from;
        flow_.process = &process_;
        flow_.names = std::span(&view_, 1);
        return flow_;
    }

private:
    Process process_;
    std::string name_;
    std::string_view view_;
    Flow flow_;
};

template <class Act>
double best_ns(const Flows& flows, std::size_t times, int rounds, Act act) {
    double best = 1e9;
    FlowAtHand at_hand;
    for (int round = 0; round < rounds; ++round) {
        const auto begin = now();
        for (std::size_t i = 0; i < times; ++i) act(at_hand.take(flows.flows[i % flows.flows.size()]));
        best = std::min(best, seconds_since(begin) / static_cast<double>(times) * 1e9);
    }
    return best;
}

// Nanoseconds for a decision, the best of the rounds, without those for putting the flow together.
double time_decisions(const Ruleset& ruleset, const Flows& flows, std::size_t times, int rounds,
                      std::uint64_t& sum) {
    const double with = best_ns(flows, times, rounds,
                                [&](const Flow& flow) { sum += ruleset.decide(flow, 1000).rule; });
    const double without = best_ns(flows, times, rounds, [&](const Flow& flow) { sum += flow.remote_port; });
    return with - without;
}

// The same by trying every rule from the top.
double time_scan(const Ruleset& ruleset, const Flows& flows, std::uint64_t& sum) {
    const std::size_t times = std::clamp<std::size_t>(2'000'000 / ruleset.size(), 2, 2000);
    const auto begin = now();
    for (std::size_t i = 0; i < times; ++i)
        sum += ruleset.explain(flows.flows[i % flows.flows.size()], 1000).back().rule;
    return seconds_since(begin) / static_cast<double>(times) * 1e9;
}

struct Row {
    std::size_t rules;
    double decision_ns, scan_ns, yaml_s, compile_s, bytes_each, peak_mb;
};

Row measure(std::size_t rules, int rounds, std::size_t flow_count, std::uint64_t& sum) {
    const auto texts = file_texts(rules);
    auto begin = now();
    auto packs = parse(texts);
    const double yaml_s = seconds_since(begin);
    begin = now();
    auto ruleset = Ruleset::compile(std::move(packs), {}, environment());
    const double compile_s = seconds_since(begin);
    if (!ruleset) fmt::print(stderr, "{}\n", ruleset.error().text()), std::exit(1);
    const double peak = memory_mb("VmHWM:");
    const Flows flows(rules, flow_count);
    return {rules,
            time_decisions(**ruleset, flows, 200'000, rounds, sum),
            time_scan(**ruleset, flows, sum),
            yaml_s,
            compile_s,
            static_cast<double>((*ruleset)->memory()) / static_cast<double>(rules),
            peak};
}

}  // namespace

int main(int count, char** arguments) {
    const std::size_t most = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1'000'000;
    const int rounds = count > 2 ? std::atoi(arguments[2]) : 5;
    const std::size_t flow_count = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 2000;
    std::uint64_t sum = 0;
    double first = 0;
    fmt::print("| rules | decision ns | against the first | naive scan ns | YAML s | compile s | "
               "bytes a rule | peak MB |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (std::size_t rules = 10; rules <= most; rules *= rules < 1000 ? 100 : rules < 100'000 ? 100 : 10) {
        const Row row = measure(rules, rounds, flow_count, sum);
        if (first == 0) first = row.decision_ns;
        fmt::print("| {} | {:.0f} | {:.2f} | {:.0f} | {:.3f} | {:.3f} | {:.0f} | {:.0f} |\n", row.rules,
                   row.decision_ns, row.decision_ns / first, row.scan_ns, row.yaml_s, row.compile_s,
                   row.bytes_each, row.peak_mb);
        std::fflush(stdout);
    }
    return sum == 0;  // so that nothing is left out as needless
}
