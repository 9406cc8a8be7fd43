// SPDX-License-Identifier: GPL-2.0-or-later
// How long a rule folder takes to become a ruleset that runs, as the daemon does it: files, owners, links
// and users of this machine included. In a folder of its own below /tmp.
//
// usage: load-bench [RULES [FILES]]     (default 100000 rules, 1000 files), as root
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "fwd/rule_store.hpp"

using namespace doorward;

namespace {

double now() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double memory_mb(const std::string& key) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key)) return std::stod(line.substr(key.size() + 1)) / 1024;
    return 0;
}

// About 167 bytes each.
std::string rule_text(std::size_t i) {
    return fmt::format("  - name: rule-number-{}\n    app: /usr/lib/program-{}/bin/main\n"
                       "    to: [10.{}.{}.{}, 2001:db8::{:x}:{:x}]\n    port: [443, 8443]\n"
                       "    protocol: tcp\n    direction: out\n    action: accept\n",
                       i, i, i >> 16 & 255, i >> 8 & 255, i & 255, i >> 16,
                       i & 0xffff);
}

void write_files(const std::string& folder, std::size_t rules, std::size_t files) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    for (std::size_t file = 0; file < files; ++file) {
        std::ofstream out(fmt::format("{}/{:05}.yaml", folder, file));
        out << "rules:\n";
        for (std::size_t i = rules * file / files; i < rules * (file + 1) / files; ++i)
            out << rule_text(i);
    }
}

void report(const std::string& what, double begin, const Result<std::shared_ptr<const Ruleset>>& got) {
    const double seconds = now() - begin;
    if (!got) fmt::print(stderr, "{}\n", got.error().text()), std::exit(1);
    fmt::print("| {} | {} | {:.3f} | {:.0f} |\n", what, (*got)->size(), seconds, memory_mb("VmHWM:"));
    std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
    const std::size_t rules = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 100'000;
    const std::size_t files = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1000;
    const std::string top = fmt::format("/tmp/doorward-load-bench-{}", ::getpid());
    const std::string folder = top + "/rules.d";
    const auto store = [&] {
        return RuleStore(folder, {}, system_environment(Trust::root), Trust::root, top + "/rules.cache");
    };
    fmt::print("| | rules | CPU s | peak MB |\n|---|--:|--:|--:|\n");
    write_files(folder, rules, 1);
    RuleStore first = store();
    double begin = now();
    auto got = first.load();
    report("one file, nothing cached", begin, got);
    if (auto saved = first.save_cache(); !saved) fmt::print(stderr, "{}\n", saved.error().text());
    {
        RuleStore second = store();
        begin = now();
        report("started again, unchanged", begin, second.load());
    }
    write_files(folder, rules, files);
    RuleStore many = store();
    begin = now();
    report(fmt::format("{} files, nothing cached", files), begin, many.load());
    if (auto saved = many.save_cache(); !saved) fmt::print(stderr, "{}\n", saved.error().text());
    std::ofstream(fmt::format("{}/{:05}.yaml", folder, files / 2), std::ios::app)
        << rule_text(rules);
    begin = now();
    report("reload, one file changed", begin, many.load());
    {
        RuleStore again = store();
        begin = now();
        report("started again, one file changed", begin, again.load());
    }
    std::filesystem::remove_all(top);
}
