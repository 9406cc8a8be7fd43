// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/lists_check.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "fwd/hash_key.hpp"
#include "fwd/list_folder.hpp"

namespace doorward {
namespace {

constexpr std::size_t max_bytes = std::size_t{1} << 30;

struct Options {
    std::string file;
    std::string format = "auto";
    bool json = false;
};

struct Checked {
    ListReport report;
    std::size_t memory = 0;  // bytes of the sets
};

Result<Checked> read(const Options& options) {
    const auto text = read_list_file(options.file, max_bytes);
    if (!text) return std::unexpected(text.error());
    const auto key = random_hash_key();
    if (!key) return std::unexpected(key.error());
    DomainSetBuilder names(*key);
    PrefixSetBuilder prefixes;
    const ListFormat format = parse_list_format(options.format).value_or(ListFormat::automatic);
    const auto report = read_list(*text, format, {&names, &prefixes});
    if (!report) return fail(report.error().what, report.error().remedy, {options.file, 0, 0});
    const std::size_t memory =
        std::move(names).finish().memory() + std::move(prefixes).finish().memory();
    return Checked{*report, memory};
}

void print(const Checked& checked, const Session& session) {
    const ListReport& report = checked.report;
    fmt::print("format {}, {} lines: {} names, {} exceptions, {} addresses and prefixes; "
               "{} repeated; {} bytes in memory\n",
               list_format_name(report.format), report.lines, report.names, report.exceptions,
               report.prefixes, report.repeated, checked.memory);
    if (report.skipped_in_all() == 0) return;
    Table table({{.title = "SKIPPED", .right = true}, {.title = "BECAUSE"}, {.title = "LINE:COLUMN"},
                 {.title = "FOR EXAMPLE", .shrinks = true}},
                session.style());
    for (std::size_t i = 0; i < skip_kinds; ++i) {
        std::string count = std::to_string(report.skipped[i]);
        std::string reason(skip_text(static_cast<Skip>(i)));
        for (const SkipExample& example : report.examples) {
            if (example.reason != static_cast<Skip>(i)) continue;
            table.add({{count}, {reason}, {fmt::format("{}:{}", example.line, example.column)},
                       {example.text}});
            count.clear();
            reason.clear();
        }
    }
    fmt::print("{}", table.take());
}

void print_as_json(const Checked& checked) {
    ListState state;
    state.report = checked.report;
    const auto all = to_json(state);
    nlohmann::ordered_json out;
    for (const char* key : {"format", "lines", "names", "exceptions", "prefixes", "repeated", "skipped"})
        out[key] = all[key];
    out["memory"] = checked.memory;
    out["examples"] = nlohmann::ordered_json::array();
    for (const SkipExample& example : checked.report.examples)
        out["examples"].push_back({{"reason", skip_name(example.reason)},
                                   {"line", example.line},
                                   {"column", example.column},
                                   {"text", example.text}});
    using Json = nlohmann::ordered_json;
    fmt::print("{}\n", out.dump(2, ' ', true, Json::error_handler_t::replace));
}

int check(const Options& options, const Session& session) {
    const auto checked = read(options);
    if (!checked) return report({exit_failed, checked.error().text(), {}});
    if (options.json) print_as_json(*checked);
    else print(*checked, session);
    if (checked->report.entries() > 0) return exit_ok;
    return report({exit_failed, "nothing in " + options.file + " can be used", {}});
}

}  // namespace

void add_lists_check(CLI::App& lists, Session& session) {
    auto* command = lists.add_subcommand("check", "read a list and say what can be used of it");
    auto options = std::make_shared<Options>();
    std::vector<std::string> formats;
    for (const ListFormat format : all_list_formats()) formats.emplace_back(list_format_name(format));
    command->add_option("FILE", options->file, "the list")->required();
    command->add_option("--format", options->format, "what it is; auto: told by its first lines")
        ->check(CLI::IsMember(formats))
        ->type_name("FORMAT")
        ->capture_default_str();
    command->add_flag("--json", options->json, "print JSON");
    command->callback([&lists, &session, options] {
        for (const char* other : {"--config", "--folder"})
            if (lists.count(other) > 0)
                throw CLI::ValidationError(other, "`lists check` reads nothing but its FILE");
        options->json = options->json || lists.count("--json") > 0;
        session.status = check(*options, session);
    });
}

}  // namespace doorward
