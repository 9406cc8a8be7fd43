// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward lists`: what is fetched, and how that goes. Asks no daemon.
#include <ctime>
#include <memory>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include "cli/commands.hpp"
#include "cli/lists_check.hpp"
#include "fwd/list_folder.hpp"
#include "fwd/lists_config.hpp"

namespace doorward {
namespace {

struct Options {
    std::string config = installed_lists_config;
    std::string folder = installed_lists_folder;
    bool json = false;
};

struct UpdateOptions {
    std::vector<std::string> names;
    std::string program = DOORWARD_LISTS_PROGRAM;
    std::string user;
};

std::string age_text(const ListState& state, std::int64_t now) {
    if (!state.has_copy()) return "never fetched";
    return state.checked > now ? "0 s" : duration_text(static_cast<std::uint64_t>(now - state.checked));
}

nlohmann::ordered_json to_object(const ListSource& list, const ListState& state,
                                 const std::string& folder, std::int64_t now) {
    nlohmann::ordered_json out{{"name", list.name}, {"path", folder + "/" + list.name}};
    out.update(to_json(state));
    out["entries"] = state.report.entries();
    out["skipped_in_all"] = state.report.skipped_in_all();
    out["age_s"] = state.has_copy() ? nlohmann::ordered_json(std::max<std::int64_t>(now - state.checked, 0))
                                    : nlohmann::ordered_json();
    return out;
}

int show(const Options& options, const Session& session) {
    const auto config = read_lists_config(options.config);
    if (!config) return report({exit_failed, config.error().text(), {}});
    const std::int64_t now = std::time(nullptr);
    auto list_of_all = nlohmann::ordered_json::array();
    Table table({{.title = "LIST"}, {.title = "FORMAT"}, {.title = "ENTRIES", .right = true},
                 {.title = "SKIPPED", .right = true}, {.title = "AGE"},
                 {.title = "SOURCE", .shrinks = true}, {.title = "LAST ERROR", .shrinks = true}},
                session.style());
    for (const ListSource& list : config->lists) {
        const ListState state = read_list_state(options.folder, list.name, list.source());
        list_of_all.push_back(to_object(list, state, options.folder, now));
        const ListFormat format = state.has_copy() ? state.report.format : list.format;
        table.add({{list.name, Colour::bold}, {std::string(list_format_name(format))},
                   {std::to_string(state.report.entries())},
                   {std::to_string(state.report.skipped_in_all())},
                   {age_text(state, now), state.has_copy() ? Colour::none : Colour::yellow},
                   {list.source()}, {state.error, Colour::red}});
    }
    using Json = nlohmann::ordered_json;
    if (options.json) fmt::print("{}\n", list_of_all.dump(2, ' ', true, Json::error_handler_t::replace));
    else if (config->lists.empty()) fmt::print("no lists in {}\n", options.config);
    else fmt::print("{}", table.take());
    return exit_ok;
}

// Runs a program to its end with nothing of this one's environment. Its exit status.
std::expected<int, CommandError> run(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char* environment[] = {path.data(), nullptr};
    pid_t child = 0;
    const int error = ::posix_spawn(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environment);
    if (error != 0) return command_fail(exit_failed, sys_fail("start " + words[0], error).error());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return command_fail(exit_failed, sys_fail("wait for " + words[0]).error());
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    return command_fail(exit_failed, fmt::format("{} was ended by signal {}", words[0], WTERMSIG(status)));
}

// The program itself becomes the user who may write the folder, and has no way back.
int update(const Options& options, const UpdateOptions& update) {
    std::vector<std::string> words{update.program, "--config", options.config, "--folder", options.folder};
    if (!update.user.empty()) words.insert(words.end(), {"--user", update.user});
    if (update.names.empty()) words.emplace_back("--all");
    words.emplace_back("--");
    words.insert(words.end(), update.names.begin(), update.names.end());
    const auto status = run(std::move(words));
    if (!status) return report(status.error());
    return *status == 0 ? exit_ok : exit_failed;
}

void add_update(CLI::App& lists, Session& session, const std::shared_ptr<Options>& options) {
    auto* command = lists.add_subcommand("update", "fetch lists now, as the user for that");
    auto what = std::make_shared<UpdateOptions>();
    command->add_option("NAME", what->names, "lists to fetch; without any: all");
    command->add_option("--program", what->program, "the program that fetches")
        ->type_name("PATH")
        ->capture_default_str();
    command->add_option("--user", what->user, "who fetches, if root asks for it")->type_name("USER");
    command->callback([&session, options, what] {
        if (options->json) throw CLI::ValidationError("--json", "`lists update` prints no JSON");
        session.status = update(*options, *what);
    });
}

}  // namespace

void add_lists_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("lists", "show and fetch blocklists");
    auto options = std::make_shared<Options>();
    command->add_option("--config", options->config, "which lists there are")
        ->type_name("FILE")
        ->capture_default_str();
    command->add_option("--folder", options->folder, "where fetched lists are kept")
        ->type_name("FOLDER")
        ->capture_default_str();
    command->add_flag("--json", options->json, "print JSON");
    command->require_subcommand(0, 1);
    add_update(*command, session, options);
    add_lists_check(*command, session);
    command->callback([command, &session, options] {
        if (command->get_subcommands().empty()) session.status = show(*options, session);
    });
}

}  // namespace doorward
