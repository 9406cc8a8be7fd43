// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward log verify`: is the audit log as the daemon wrote it?
#include "cli/log_verify.hpp"

#include <fmt/format.h>

#include "cli/log_time.hpp"

namespace doorward {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

Json utc_or_null(const std::optional<std::int64_t>& time_us) {
    return time_us ? Json(utc_time_text(*time_us)) : Json();
}

std::string_view sought_text(SoughtHead sought) {
    switch (sought) {
        case SoughtHead::found: return "found";
        case SoughtHead::removed: return "removed";
        case SoughtHead::missing: return "missing";
        case SoughtHead::none: break;
    }
    return "";
}

Json to_json(const std::string& database, const ChainReport& report) {
    Json out{{"database", database}, {"ok", !report.fault}, {"rows", report.rows}};
    out["first"] = report.rows > 0 ? Json(report.first) : Json();
    out["head"] = to_text(report.head);
    out["older"] = report.older;
    out["removed_upto"] = report.removed_upto > 0 ? Json(report.removed_upto) : Json();
    out["removed_at"] = utc_or_null(report.removed_us);
    out["unclean_ends"] = report.unclean;
    out["unclean_row"] = or_null(report.unclean_row);
    out["unwritten"] = report.unwritten;
    out["sought"] = report.sought == SoughtHead::none ? Json() : Json(sought_text(report.sought));
    out["fault"] = nullptr;
    if (report.fault)
        out["fault"] = {{"row", report.fault->row}, {"time", utc_or_null(report.fault->time_us)},
                        {"what", report.fault->what}, {"last_good_time", utc_or_null(report.last_us)}};
    return out;
}

std::string fault_text(const std::string& database, const ChainReport& report) {
    const ChainFault& fault = *report.fault;
    std::string text = fmt::format("the audit log {} is not as it was written: {}", database, fault.text());
    if (fault.time_us) text += ", of " + local_time_text(*fault.time_us);
    if (report.last_us)
        text += fmt::format("; the {} rows up to {}, of {}, fit", report.rows, report.head.row,
                            local_time_text(*report.last_us));
    return text;
}

void print_report(const ChainReport& report) {
    fmt::print("OK: {} rows are as they were written\nhead: {}\n", report.rows, to_text(report.head));
    if (report.removed_upto > 0)
        fmt::print("rows up to {} were removed by age or size, the last of them at {}\n", report.removed_upto,
                   local_time_text(report.removed_us.value_or(0)));
    if (report.older > 0)
        fmt::print("{} older rows are of a version that had no chain: nothing is known of them\n", report.older);
    if (report.unclean > 0)
        fmt::print("a daemon was killed {} times, last behind row {}: what it had not written yet is in no row\n",
                   report.unclean, report.unclean_row.value_or(0));
    if (report.unwritten > 0)
        fmt::print("{} decisions could not be written before a daemon's end\n", report.unwritten);
}

int verify(const LogOptions& options, const std::string& head) {
    std::optional<ChainHead> sought;
    if (!head.empty()) {
        const auto parsed = parse_chain_head(head);
        if (!parsed) return report({exit_usage, "--head: " + parsed.error().text(), {}});
        sought = *parsed;
    }
    auto reader = AuditReader::open(options.database);
    if (!reader) return report({exit_unreachable, reader.error().text(), {}});
    const auto chain = reader->verify(sought);
    if (!chain) return report({exit_unreachable, chain.error().text(), {}});
    if (options.json) print_json(to_json(options.database, *chain));
    else if (!chain->fault) print_report(*chain);
    if (chain->fault) return report({exit_failed, fault_text(options.database, *chain), {}});
    if (chain->sought != SoughtHead::removed) return exit_ok;
    return report({exit_incomplete,
                   fmt::format("row {} has been removed by age or size: whether it was the one that was noted "
                               "can't be told any more", sought->row), {}});
}

}  // namespace

void add_log_verify(CLI::App& log, Session& session, const std::shared_ptr<LogOptions>& options) {
    auto* command = log.add_subcommand("verify", "check that no row was changed, put in or taken out");
    const auto head = std::make_shared<std::string>();
    command->add_option("--database", options->database, "audit database, or a copy of one")
        ->type_name("PATH")->capture_default_str();
    command->add_option("--head", *head, "an end of the chain that was noted earlier: is it still in there?")
        ->type_name("ROW:HASH");
    command->add_flag("--json", options->json, "print JSON");
    command->callback([log = &log, &session, options, head] {
        if (has_log_filter(*options) || log->count("--limit") > 0 || options->follow || options->wide ||
            options->no_header)
            throw CLI::ValidationError("verify", "all rows are looked at: `log verify` takes no filter");
        session.status = verify(*options, *head);
    });
}

}  // namespace doorward
