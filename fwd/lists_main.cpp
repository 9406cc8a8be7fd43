// SPDX-License-Identifier: GPL-2.0-or-later
// doorward-lists: fetches blocklists, never as root.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include <CLI/CLI.hpp>
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/become_user.hpp"
#include "fwd/list_update.hpp"
#include "fwd/version.hpp"

namespace {

using namespace doorward;

enum ExitCode { success = 0, failed = 1, wrong_input = 2 };

struct Options {
    std::string config = installed_lists_config;
    std::string folder = installed_lists_folder;
    std::string user = "doorward-lists";
    std::vector<std::string> names;
    bool all = false;
};

int report(const Error& error, ExitCode code) {
    fmt::print(stderr, "doorward-lists: {}\n", error.text());
    return code;
}

// Those named, all, or those whose time has come.
Result<std::vector<ListSource>> choose(const std::vector<ListSource>& lists, const Options& options,
                                       std::int64_t now) {
    for (const std::string& name : options.names)
        if (std::ranges::find(lists, name, &ListSource::name) == lists.end())
            return fail("there is no list \"" + name + "\"", "see the names in " + options.config);
    std::vector<ListSource> chosen;
    for (const ListSource& list : lists) {
        const bool named = std::ranges::find(options.names, list.name) != options.names.end();
        const bool due = options.names.empty() &&
                         is_due(read_list_state(options.folder, list.name, list.source()),
                                list.refresh_hours, now);
        if (named || options.all || due) chosen.push_back(list);
    }
    return chosen;
}

void print(const ListSource& list, const UpdatedList& updated) {
    const ListState& state = updated.state;
    if (!state.error.empty()) {
        fmt::print(stderr, "doorward-lists: {}: {}{}\n", list.name, state.error,
                   state.has_copy() ? "; the last good copy stays" : "");
        return;
    }
    fmt::print("{}: {}, {} entries, {} skipped\n", list.name,
               updated.new_copy ? "new copy" : "unchanged", state.report.entries(),
               state.report.skipped_in_all());
}

int update(const Options& options) {
    const auto config = read_lists_config(options.config);
    if (!config) return report(config.error(), wrong_input);
    const std::int64_t now = std::time(nullptr);
    const auto chosen = choose(config->lists, options, now);
    if (!chosen) return report(chosen.error(), wrong_input);
    if (chosen->empty()) return success;
    const auto folder = ListFolder::lock(options.folder);
    if (!folder) return report(folder.error(), failed);
    int status = success;
    for (const ListSource& list : *chosen) {
        const auto updated = update_list(*folder, list, config->proxy, now);
        if (!updated) return report(updated.error(), failed);
        print(list, *updated);
        std::fflush(stdout);
        if (!updated->state.error.empty()) status = failed;
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Fetches the blocklists whose time has come, or those named; never as root.",
                 "doorward-lists");
    Options options;
    app.add_option("NAME", options.names, "lists to fetch now");
    app.add_flag("--all", options.all, "fetch all lists now");
    app.add_option("--config", options.config, "configuration file")->capture_default_str();
    app.add_option("--folder", options.folder, "where lists are kept")->capture_default_str();
    app.add_option("--user", options.user, "who to become if started by root")->capture_default_str();
    app.set_version_flag("--version", std::string("doorward-lists ") + version);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? success : wrong_input;
    }
    // Before anything is read, from the disk or the network.
    if (auto became = become_user(options.user, options.folder); !became)
        return report(became.error(), failed);
    ::umask(022);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return report({"libcurl can't be started", "", {}}, failed);
    return update(options);
}
