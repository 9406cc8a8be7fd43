// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward import`: other firewalls' rules as a rule file. Asks no daemon, and changes no rules.
#include <map>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "cli/commands.hpp"
#include "cli/import_files.hpp"
#include "fwd/handle.hpp"
#include "fwd/rule_files.hpp"
#include "rules/import_opensnitch.hpp"
#include "rules/import_ufw.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {
namespace {

struct Options {
    std::string folder;
    std::string output;
    OpenSnitchOptions opensnitch;
    bool json = false;
};

int failed(const Error& error) { return report({exit_failed, error.text(), {}}); }

// What is there already is left alone: it may be in force.
Result<void> write_new(const std::string& path, std::string_view text) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd)
        return sys_fail("create " + path, errno, errno == EEXIST ? "choose another name, or remove it first" : "");
    while (!text.empty()) {
        const ssize_t put = ::write(fd.get(), text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            const auto error = sys_fail("write " + path);
            ::unlink(path.c_str());
            return error;
        }
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(fd.get()) != 0 && errno != EINVAL) return sys_fail("write " + path);
    return {};
}

// As the loader would take it, with the users that there are here.
Result<void> check_loads(const std::string& text, const std::string& name) {
    const auto pack = parse_rule_pack(text, name);
    if (!pack) return std::unexpected(pack.error());
    const auto ruleset = Ruleset::compile(Ruleset::Packs{*pack}, Defaults{}, system_environment(Trust::root));
    if (!ruleset) return std::unexpected(ruleset.error());
    return {};
}

// Notes that say the same of many rules are one line.
void print_findings(const std::vector<Finding>& findings) {
    std::map<std::string, std::vector<const Finding*>> notes;
    for (const Finding& finding : findings) {
        if (finding.kind == Finding::Kind::note) {
            notes[finding.key + '\n' + finding.reason].push_back(&finding);
            continue;
        }
        fmt::print(stderr, "{}: {}\n", finding.denies ? "LEFT OUT, AND WOULD DENY" : "left out",
                   printable(finding_text(finding)));
    }
    for (const auto& [text, all] : notes) {
        if (all.size() == 1) {
            fmt::print(stderr, "note: {}\n", printable(finding_text(*all.front())));
            continue;
        }
        std::string objects;
        for (const Finding* each : all) objects += (objects.empty() ? "" : ", ") + each->object;
        const Finding& first = *all.front();
        fmt::print(stderr, "note: {} times: {}{}{}: {}\n", all.size(), printable(first.key),
                   first.key.empty() ? "" : ": ", printable(first.reason), printable(objects));
    }
}

void print_count(const Imported& imported) {
    std::size_t denying = 0;
    for (const Finding& finding : imported.findings) denying += finding.denies ? 1 : 0;
    fmt::print(stderr, "{} found, {} left out{}, {} rule{} written\n", imported.found, imported.left_out(),
               denying == 0 ? "" : fmt::format(" ({} that would deny)", denying), imported.rules.size(),
               imported.rules.size() == 1 ? "" : "s");
}

nlohmann::ordered_json to_object(const Finding& finding) {
    return {{"kind", finding.kind == Finding::Kind::note ? "note" : "left-out"}, {"denies", finding.denies},
            {"file", finding.place.file}, {"line", finding.place.line}, {"column", finding.place.column},
            {"object", finding.object}, {"key", finding.key}, {"reason", finding.reason}, {"remedy", finding.remedy}};
}

void print_account(const Imported& imported, const Options& options, const std::string& text) {
    nlohmann::ordered_json out{{"found", imported.found}, {"left_out", imported.left_out()},
                               {"rules", imported.rules.size()}, {"findings", nlohmann::ordered_json::array()}};
    for (const Finding& finding : imported.findings) out["findings"].push_back(to_object(finding));
    if (options.output.empty()) out["text"] = text;
    using Json = nlohmann::ordered_json;
    fmt::print("{}\n", out.dump(2, ' ', true, Json::error_handler_t::replace));
}

int finish(Imported imported, std::vector<Finding> unreadable, const Options& options) {
    imported.found += unreadable.size();
    imported.findings.insert(imported.findings.begin(), unreadable.begin(), unreadable.end());
    if (imported.found == 0)
        return failed({"there is nothing to import in " + options.folder, "give the folder with the files", {}});
    const std::string name = options.output.empty() ? "-" : options.output;
    const auto text = write_imported(imported, name);
    if (!text) return failed(text.error());
    if (auto loads = check_loads(*text, name); !loads) return failed(loads.error());
    if (!options.output.empty())
        if (auto done = write_new(options.output, *text); !done) return failed(done.error());
    if (options.json) {
        print_account(imported, options, *text);
    } else {
        if (options.output.empty()) fmt::print("{}", *text);
        std::fflush(stdout);
        print_findings(imported.findings);
        print_count(imported);
    }
    return imported.left_out() == 0 ? exit_ok : exit_incomplete;
}

int import_opensnitch_rules(const Options& options) {
    auto read = read_import_folder(options.folder, [](std::string_view name) { return name.ends_with(".json"); }, {});
    if (!read) return failed(read.error());
    return finish(import_opensnitch(read->files, import_environment(), options.opensnitch),
                  std::move(read->unreadable), options);
}

// Names that ufw passes over, as packages leave them behind.
bool is_profile_file(std::string_view name) {
    constexpr std::string_view passed_over[] = {".dpkg-new", ".dpkg-old", ".dpkg-dist", ".rpmnew", ".rpmsave", "~"};
    return !name.starts_with('.') &&
           std::ranges::none_of(passed_over, [&](std::string_view end) { return name.ends_with(end); });
}

int import_ufw_rules(const Options& options) {
    UfwFiles files;
    std::vector<Finding> unreadable;
    const ImportLimits limits{.file_bytes = std::size_t{10} << 20};
    struct stat info{};
    if (::stat(options.folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
        return failed(sys_fail("open the folder " + options.folder, S_ISREG(info.st_mode) ? ENOTDIR : errno,
                               "give ufw's folder").error());
    read_import_file(options.folder + "/user.rules", limits, files.rules, unreadable);
    read_import_file(options.folder + "/user6.rules", limits, files.rules_v6, unreadable);
    const std::string profiles = options.folder + "/applications.d";
    const bool whole = ::stat(profiles.c_str(), &info) == 0;
    // A folder with profiles alone, or ufw's own with what it has.
    if (whole || (files.rules.empty() && files.rules_v6.empty() && unreadable.empty())) {
        auto read = read_import_folder(whole ? profiles : options.folder, is_profile_file, limits, true);
        if (!read) return failed(read.error());
        files.profiles = std::move(read->files);
        for (Finding& finding : read->unreadable) {
            finding.denies = false;
            unreadable.push_back(std::move(finding));
        }
    }
    return finish(import_ufw(files), std::move(unreadable), options);
}

CLI::App* add_source(CLI::App& import, const std::string& name, const std::string& description,
                     const std::string& folder, const std::shared_ptr<Options>& options) {
    auto* command = import.add_subcommand(name, description);
    command->add_option("FOLDER", options->folder, "where its files are; without it: " + folder)->type_name("");
    command->add_option("-o,--output", options->output, "write the rules to this new file")->type_name("FILE");
    command->add_flag("--json", options->json, "print an account in JSON");
    return command;
}

}  // namespace

void add_import_command(CLI::App& app, Session& session) {
    auto* import = app.add_subcommand("import", "other firewalls' rules as a rule file; asks no daemon");
    import->require_subcommand(1);
    const auto opensnitch = std::make_shared<Options>(), ufw = std::make_shared<Options>();
    auto* command = add_source(*import, "opensnitch", "rules of OpenSnitch", "/etc/opensnitchd/rules", opensnitch);
    command->add_flag("--any-case", opensnitch->opensnitch.any_case,
                      "let rules that allow ignore the case of letters too, where they did");
    command->add_flag("--as-meant", opensnitch->opensnitch.as_meant,
                      "take regular expressions on host names for closed at their end");
    command->callback([&session, opensnitch] {
        if (opensnitch->folder.empty()) opensnitch->folder = "/etc/opensnitchd/rules";
        session.status = import_opensnitch_rules(*opensnitch);
    });
    add_source(*import, "ufw", "rules and application profiles of ufw", "/etc/ufw", ufw)->callback([&session, ufw] {
        if (ufw->folder.empty()) ufw->folder = "/etc/ufw";
        session.status = import_ufw_rules(*ufw);
    });
}

}  // namespace doorward
