// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rules_check.hpp"

#include <ctime>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/rule_files.hpp"
#include "rules/shadow.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {
namespace {

// Errors are printed as they are found, one for each file, so that one run shows what to mend.
struct Check {
    Ruleset::Packs packs;
    std::size_t files = 0;
    std::size_t rules = 0;
    bool failed = false;

    void fail(const Error& error) {
        failed = true;
        report({exit_failed, error.text(), {}});
    }

    void add(const Result<std::vector<RuleFile>>& read) {
        if (!read) return fail(read.error());
        for (const RuleFile& file : *read) {
            ++files;
            auto parsed = parse_rule_pack(file.text, file.path);
            if (parsed) packs.push_back(std::move(*parsed));
            else fail(parsed.error());
        }
    }

    // What shows only when all files are taken together, in the order in which they were given.
    void compile() {
        const Environment environment = system_environment();
        const auto ruleset = Ruleset::compile(packs, Defaults{}, environment);
        if (!ruleset) return fail(ruleset.error());
        rules = (*ruleset)->size();
        const auto dead = find_dead_rules(packs, std::time(nullptr), environment.resolve_path);
        for (const std::string& warning : warnings(dead, dead.rules.size()))
            fmt::print(stderr, "warning: {}\n", printable(warning));
    }
};

int check(const std::vector<std::string>& paths) {
    Check check;
    // What the daemon would read is read as the daemon would: nobody but root may have written it.
    if (paths.empty()) check.add(read_rule_files(installed_rules, Trust::root));
    for (const std::string& path : paths) check.add(read_rule_path(path));
    if (!check.failed) check.compile();
    if (check.failed) return exit_failed;
    fmt::print("no errors: {} rule{} in {} file{}\n", check.rules,
               check.rules == 1 ? "" : "s", check.files, check.files == 1 ? "" : "s");
    return exit_ok;
}

}  // namespace

Result<std::vector<RuleFile>> read_rule_path(const std::string& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
        return read_rule_files(path, Trust::anybody);
    auto file = read_rule_file(path, Trust::anybody, RuleFileLimits{}.file_bytes);
    if (!file) return std::unexpected(file.error());
    std::vector<RuleFile> files;
    files.push_back(std::move(*file));
    return files;
}

void add_rules_check(CLI::App& rules, Session& session) {
    auto* command = rules.add_subcommand("check", "look for errors in rule files; asks no daemon");
    const auto paths = std::make_shared<std::vector<std::string>>();
    command->add_option("PATH", *paths, "folders and files; without any: /etc/doorward/rules.d")
        ->type_name("");
    command->callback([&session, paths] { session.status = check(*paths); });
}

}  // namespace doorward
