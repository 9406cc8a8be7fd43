// SPDX-License-Identifier: GPL-2.0-or-later
// doorwardd: command line → daemon → exit code.
#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "fwd/daemon.hpp"
#include "fwd/log.hpp"
#include "fwd/options.hpp"

namespace {

using namespace doorward;

enum ExitCode { success = 0, failed = 1, wrong_input = 2 };

int report(const Error& error, ExitCode code) {
    log_line(Severity::error, error.text());
    return code;
}

int check(const Config& config) {
    RuleStore store(config.rules_dir, config.defaults, system_environment(Trust::root), Trust::root);
    const auto rules = store.load();
    if (!rules) return report(rules.error(), wrong_input);
    fmt::print("configuration and {} rules are right\n", (*rules)->size());
    return success;
}

}  // namespace

int main(int argc, char** argv) {
    std::optional<int> exit_code;
    const auto options = parse_options(argc, argv, exit_code);
    if (!options) return report(options.error(), wrong_input);
    if (exit_code) return *exit_code;
    if (options->check_config) return check(options->config);
    if (::geteuid() != 0)
        return report({"must be started as root: it loads BPF programs and netfilter rules",
                       "sudo doorwardd, or systemctl start doorwardd", {}}, failed);
    auto daemon = Daemon::start(options->config);
    if (!daemon) return report(daemon.error(), failed);
    if (auto ended = (*daemon)->run(); !ended) return report(ended.error(), failed);
    return success;
}
