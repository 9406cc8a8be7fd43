// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward rules fmt`: the canonical form of rule files.
#include <iostream>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "cli/line_diff.hpp"
#include "cli/rules_check.hpp"
#include "fwd/replace_file.hpp"
#include "rules/file_format.hpp"

namespace doorward {
namespace {

enum class Write { files, names, diff };  // what is done about a file that would change

int failed(const Error& error) { return report({exit_failed, error.text(), {}}); }

Result<void> replace(const RuleFile& file, const std::string& text) {
    const auto slash = file.path.rfind('/');
    const bool here = slash == std::string::npos;
    return replace_file(here ? "." : slash == 0 ? "/" : file.path.substr(0, slash),
                        here ? file.path : file.path.substr(slash + 1), text,
                        {file.mode, file.owner, file.group});
}

int format_file(const RuleFile& file, Write write) {
    const auto text = format_rule_file(file.text, file.path);
    if (!text) return failed(text.error());
    if (*text == file.text) return exit_ok;
    if (write == Write::diff) {
        fmt::print("{}", line_diff(file.text, *text, printable(file.path)));
        return exit_ok;
    }
    fmt::print("{}\n", printable(file.path));
    if (write == Write::names) return exit_failed;
    if (auto written = replace(file, *text); !written) return failed(written.error());
    return exit_ok;
}

// Standard input is never replaced: what it comes to is printed.
int format_input(Write write) {
    RuleFile input{.path = "-", .text = {std::istreambuf_iterator<char>(std::cin), {}}};
    if (write != Write::files) return format_file(input, write);
    const auto text = format_rule_file(input.text, input.path);
    if (!text) return failed(text.error());
    fmt::print("{}", *text);
    return exit_ok;
}

int format_path(const std::string& path, Write write) {
    if (path == "-") return format_input(write);
    const auto files = read_rule_path(path);
    if (!files) return failed(files.error());
    int status = exit_ok;
    for (const RuleFile& file : *files)
        if (const int one = format_file(file, write); one != exit_ok) status = one;
    return status;
}

}  // namespace

void add_rules_fmt(CLI::App& rules, Session& session) {
    auto* command = rules.add_subcommand("fmt", "write rule files anew in one style; asks no daemon");
    const auto paths = std::make_shared<std::vector<std::string>>();
    auto* check = add_switch(*command, "--check", "only name the files that would change, and fail");
    auto* diff = add_switch(*command, "--diff", "only show what would change")->excludes(check);
    command
        ->add_option("PATH", *paths,
                     "folders and files, - for standard input; without any: /etc/doorward/rules.d")
        ->type_name("");
    command->callback([&session, paths, check, diff] {
        const Write write = check->count() > 0  ? Write::names
                            : diff->count() > 0 ? Write::diff
                                                : Write::files;
        if (paths->empty()) paths->push_back(installed_rules);
        session.status = exit_ok;
        for (const std::string& path : *paths)
            if (const int one = format_path(path, write); one != exit_ok) session.status = one;
    });
}

}  // namespace doorward
