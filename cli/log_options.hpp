// SPDX-License-Identifier: GPL-2.0-or-later
// The options of `doorward log`, and the search they mean.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fwd/audit_query.hpp"

namespace CLI {
class App;
}

namespace doorward {

// As on the command line; empty: not given.
struct LogOptions {
    std::string database = "/var/lib/doorward/audit.db";
    std::string app;
    std::vector<std::string> verdicts;
    bool denied = false;
    std::string since;
    std::string until;
    std::string to;
    std::string from;
    std::string port;
    std::string user;
    std::string rule;
    std::string unit;
    std::string container;
    std::string script;
    std::string injected;
    std::string pid;
    std::string limit = "200";  // 0: all
    bool follow = false;
    bool json = false;
    bool no_header = false;
    bool wide = false;
};

// The options that choose rows, or flows, without --limit.
void add_log_filters(CLI::App& command, LogOptions& options);

bool has_log_filter(const LogOptions& options);

// How many rows at most; the highest number there is for 0, which asks for all.
Result<std::int64_t> parse_limit(const std::string& text);

// Resolves symbolic links in the name of a program, as its rows have the path the kernel reports.
Result<AuditFilter> make_filter(const LogOptions& options, std::int64_t now_us);

}  // namespace doorward
