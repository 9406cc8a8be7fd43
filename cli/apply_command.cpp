// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward apply`: another folder's rules, at once or on trial.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <memory>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/rule_options.hpp"
#include "cli/ssh_session.hpp"

namespace doorward {
namespace {

constexpr std::int64_t longest_trial = 86400;

struct ApplyOptions {
    std::string folder;
    std::string confirm;
    bool confirmed = false;
    bool revert = false;
    bool json = false;
};

Result<std::string> whole_path(const std::string& folder) {
    const std::unique_ptr<char, decltype(&std::free)> path(::realpath(folder.c_str(), nullptr), std::free);
    if (!path) return sys_fail("find " + folder);
    return std::string(path.get());
}

CommandResult<nlohmann::json> request_of(const ApplyOptions& options) {
    auto folder = whole_path(options.folder);
    if (!folder) return command_fail(exit_failed, folder.error());
    nlohmann::json request{{"folder", *folder}};
    if (!options.confirm.empty()) {
        const auto seconds = parse_duration(options.confirm, "--confirm");
        if (!seconds) return command_fail(exit_usage, seconds.error());
        if (*seconds > longest_trial)
            return command_fail(exit_usage, "--confirm: " + options.confirm +
                                                " is too long (use at most 24h)");
        request["confirm"] = *seconds;
    }
    if (const auto session = ssh_session())
        request["session"] = {{"local", session->local.to_string()},
                              {"remote", session->remote.to_string()},
                              {"local_port", session->local_port},
                              {"remote_port", session->remote_port}};
    return request;
}

std::string files_text(std::uint64_t files) {
    return fmt::format("{} file{}", files, files == 1 ? "" : "s");
}

std::string clock_text(std::int64_t time) {
    return fmt::format("{:%H:%M:%S}", fmt::localtime(static_cast<std::time_t>(time)));
}

void warn_of_session(const Applied& applied) {
    if (!applied.cuts_session) return;
    fmt::print(stderr, "warning: these rules do not let your ssh session pass; the temporary rule {} does, "
                       "until the daemon is restarted or you remove it\n",
               printable(applied.kept.value_or("")));
}

void tell_applied(const Applied& applied, const char* done) {
    fmt::print("{}: {} rule{} in force, {} changed\n", done, applied.rules,
               applied.rules == 1 ? "" : "s", files_text(applied.files));
}

int confirm(const Session& session, bool json) {
    const auto answer = ask(session.socket, "ConfirmRules", "applied");
    if (!answer) return report(answer.error());
    const auto applied = as<Applied>(*answer);
    if (!applied) return report(applied.error());
    warn_of_session(*applied);
    if (json) print_json(*answer);
    else tell_applied(*applied, "confirmed");
    return exit_ok;
}

int revert(const Session& session, bool json) {
    const auto answer = ask(session.socket, "RevertRules", "reloaded");
    if (!answer) return report(answer.error());
    if (json) return print_json(*answer), exit_ok;
    const auto reloaded = as<Reloaded>(*answer);
    if (!reloaded) return report(reloaded.error());
    fmt::print("the former rules are in force again: {}\n", reloaded->rules);
    return exit_ok;
}

enum class Answer { yes, no, none };

// Waits for a line from the terminal until that time.
Answer answer_of_terminal(std::int64_t until) {
    for (;;) {
        const std::int64_t left = until - std::time(nullptr);
        if (left <= 0) return Answer::none;
        pollfd input{STDIN_FILENO, POLLIN, 0};
        const int ready = ::poll(&input, 1, static_cast<int>(std::min<std::int64_t>(left, 3600) * 1000));
        if (ready < 0 && errno != EINTR) return Answer::no;
        if (ready <= 0) continue;
        std::string line(256, '\0');
        const ssize_t got = ::read(STDIN_FILENO, line.data(), line.size());
        return got > 0 && (line[0] == 'y' || line[0] == 'Y') ? Answer::yes : Answer::no;
    }
}

int ask_to_confirm(const Session& session, std::int64_t until) {
    fmt::print("keep them? without an answer they go at {} [y/N] ", clock_text(until));
    std::fflush(stdout);
    const Answer given = answer_of_terminal(until);
    if (given == Answer::yes) return confirm(session, false);
    const auto answer = ask(session.socket, "RevertRules", "reloaded");
    // The daemon may have gone back by itself.
    if (!answer && answer.error().name != "NothingPending") return report(answer.error());
    fmt::print("{}not confirmed: the former rules are in force again\n",
               given == Answer::none ? "\n" : "");
    return exit_failed;
}

int tell_trial(const Session& session, const Applied& applied) {
    fmt::print("on trial until {}: {} rule{}; {} would change\n", clock_text(*applied.until),
               applied.rules, applied.rules == 1 ? "" : "s", files_text(applied.files));
    if (::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO))
        return ask_to_confirm(session, *applied.until);
    fmt::print("keep them with: doorward apply --confirmed; go back with: doorward apply --revert\n");
    return exit_ok;
}

int apply(const Session& session, const ApplyOptions& options) {
    if (options.confirmed) return confirm(session, options.json);
    if (options.revert) return revert(session, options.json);
    auto request = request_of(options);
    if (!request) return report(request.error());
    const auto answer = ask(session.socket, "ApplyRules", "applied", std::move(*request));
    if (!answer) return report(answer.error());
    const auto applied = as<Applied>(*answer);
    if (!applied) return report(applied.error());
    warn_of_session(*applied);
    if (options.json) return print_json(*answer), exit_ok;
    if (applied->until) return tell_trial(session, *applied);
    tell_applied(*applied, "applied");
    return exit_ok;
}

}  // namespace

void add_apply_command(CLI::App& app, Session& session) {
    const auto options = std::make_shared<ApplyOptions>();
    auto* command =
        app.add_subcommand("apply", "put the rules of another folder in force, also on trial");
    auto* folder = command->add_option("FOLDER", options->folder, "folder of rule files")->type_name("");
    auto* time = command->add_option("--confirm", options->confirm,
                                     "go back after this time unless confirmed: 60s, 5m")
                     ->type_name("TIME");
    auto* confirmed = command->add_flag("--confirmed", options->confirmed, "keep the rules on trial");
    auto* revert =
        command->add_flag("--revert", options->revert, "give the rules on trial up at once");
    command->add_flag("--json", options->json, "print JSON");
    confirmed->excludes(folder)->excludes(time)->excludes(revert);
    revert->excludes(folder)->excludes(time);
    command->callback([&session, options] {
        if (options->folder.empty() && !options->confirmed && !options->revert)
            throw CLI::RequiredError("one of FOLDER, --confirmed and --revert");
        session.status = apply(session, *options);
    });
}

}  // namespace doorward
