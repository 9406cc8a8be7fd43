// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/log_command.hpp"

#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/follow.hpp"
#include "cli/log_row.hpp"
#include "cli/log_time.hpp"
#include "cli/log_verify.hpp"

namespace doorward {
namespace {

constexpr std::int64_t page_rows = 1000;
constexpr std::chrono::milliseconds poll_interval{100};
// Rows to standard output, in the form that was asked for.
class Printer {
public:
    Printer(const LogOptions& options, TableStyle style)
        : json_(options.json), table_(log_columns(), fitted(options, style)) {}

    void print(const std::vector<AuditRecord>& rows) {
        std::string text;
        for (const AuditRecord& row : rows) {
            if (json_) text.append(log_json(row).dump()).append("\n");
            else table_.add(log_cells(row));
        }
        if (!json_) text = table_.take();
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }

private:
    static TableStyle fitted(const LogOptions& options, TableStyle style) {
        if (options.wide) style.width = 0;
        style.header = !options.no_header;
        return style;
    }

    bool json_;
    Table table_;
};

// Prints the matching rows with after < id <= last, page by page.
Result<void> print_range(AuditReader& reader, const AuditFilter& filter, std::int64_t after,
                         std::int64_t last, Printer& printer) {
    for (;;) {
        const auto rows = reader.rows(filter, after, last, page_rows);
        if (!rows) return std::unexpected(rows.error());
        printer.print(*rows);
        if (static_cast<std::int64_t>(rows->size()) < page_rows || was_interrupted()) return {};
        after = rows->back().id;
    }
}

Result<void> follow(AuditReader& reader, const AuditFilter& filter, std::int64_t last,
                    Printer& printer) {
    while (!stop_following(poll_interval)) {
        bool restarted = false;
        const auto changed = reader.changed(restarted);
        if (!changed) return std::unexpected(changed.error());
        if (!*changed) continue;
        if (restarted) last = 0;
        const auto newest = reader.last_id();
        if (!newest) return std::unexpected(newest.error());
        if (auto done = print_range(reader, filter, last, *newest, printer); !done) return done;
        last = *newest;
    }
    return {};
}

Result<void> show(const LogOptions& options, const AuditFilter& filter, std::int64_t limit,
                  TableStyle style) {
    auto reader = AuditReader::open(options.database);
    if (!reader) return std::unexpected(reader.error());
    Printer printer(options, style);
    std::unique_ptr<StopOnSignal> stop;
    if (options.follow) stop = std::make_unique<StopOnSignal>();

    const auto last = reader->last_id();
    if (!last) return std::unexpected(last.error());
    const auto after = reader->before_newest(filter, *last, limit);
    if (!after) return std::unexpected(after.error());
    if (auto done = print_range(*reader, filter, *after, *last, printer); !done) return done;
    return options.follow ? follow(*reader, filter, *last, printer) : Result<void>{};
}

int run_log(const LogOptions& options, const Session& session) {
    const auto filter = make_filter(options, wall_clock_us());
    if (!filter) return report({exit_usage, filter.error().text(), {}});
    const auto limit = parse_limit(options.limit);
    if (!limit) return report({exit_usage, limit.error().text(), {}});
    const auto shown = show(options, *filter, *limit, session.style());
    if (!shown) return report({exit_unreachable, shown.error().text(), {}});
    return exit_ok;
}

}  // namespace

void add_log_command(CLI::App& app, Session& session) {
    auto* log = app.add_subcommand("log", "show what was decided, oldest first");
    const auto options = std::make_shared<LogOptions>();
    log->add_option("--database", options->database, "audit database of the daemon")
        ->type_name("PATH")->capture_default_str();
    add_log_filters(*log, *options);
    log->add_option("--limit", options->limit, "the newest N that match; 0: all")
        ->type_name("N")->capture_default_str();
    log->add_flag("--follow,-f", options->follow, "then print what comes, until Ctrl-C");
    log->add_flag("--json", options->json, "one JSON object per line");
    log->add_flag("--no-header", options->no_header, "leave the line of titles out");
    log->add_flag("--wide", options->wide, "cut nothing, whatever the width of the terminal");
    log->require_subcommand(0, 1);
    add_log_verify(*log, session, options);
    log->callback([log, options, &session] {
        if (log->get_subcommands().empty()) session.status = run_log(*options, session);
    });
}

}  // namespace doorward
