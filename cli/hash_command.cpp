// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward hash`: what a rule can say of a program's file. Asks no daemon.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/app_path.hpp"
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "fwd/read_content.hpp"
#include "rules/condition_text.hpp"

namespace doorward {
namespace {

struct Options {
    std::vector<std::string> apps;
    bool json = false;
};

struct Hashed {
    std::string path;
    ExecutableContent content;
};

std::expected<Hashed, CommandError> hash(const std::string& text) {
    const auto app = resolve_app(text);
    if (!app) return command_fail(exit_usage, app.error());
    const auto parsed = parse_app(app->pattern);
    if (!parsed || parsed->kind != AppPattern::Kind::path)
        return command_fail(exit_usage, Error{"\"" + text + "\" is not one program",
                                              "name a program, or give its path", {}});
    auto content = read_content(app->pattern, Facts::all());
    if (content.missing == NoContent::none) return Hashed{app->pattern, std::move(content)};
    return command_fail(exit_failed,
                        Error{fmt::format("{} can't be hashed: {}", app->pattern,
                                          no_content_name(content.missing)),
                              "see doorward-rules(5), Content of executables", {}});
}

// As it can be pasted into a rule.
void print(const Hashed& hashed) {
    fmt::print("app: {}\n", printable(hashed.path));
    if (!hashed.content.package.empty()) fmt::print("package: {}\n", hashed.content.package);
    if (!hashed.content.verity.empty()) fmt::print("verity: \"{}\"\n", hashed.content.verity);
    fmt::print("sha256: {}\n", to_hex(*hashed.content.sha256));
}

nlohmann::ordered_json to_object(const Hashed& hashed) {
    const auto text = [](const std::string& value) {
        return value.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
    };
    return {{"app", hashed.path},
            {"package", text(hashed.content.package)},
            {"verity", text(hashed.content.verity)},
            {"sha256", to_hex(*hashed.content.sha256)}};
}

int hash_all(const Options& options) {
    auto list = nlohmann::ordered_json::array();
    for (const std::string& app : options.apps) {
        const auto hashed = hash(app);
        if (!hashed) return report(hashed.error());
        if (options.json) list.push_back(to_object(*hashed));
        else print(*hashed);
    }
    using Json = nlohmann::ordered_json;
    if (options.json) fmt::print("{}\n", list.dump(2, ' ', true, Json::error_handler_t::replace));
    return exit_ok;
}

}  // namespace

void add_hash_command(CLI::App& app, Session& session) {
    auto* command = app.add_subcommand("hash", "show the digests and the package of a program's file");
    auto options = std::make_shared<Options>();
    command->add_option("APP", options->apps, "program: path, or name in PATH")->required();
    command->add_flag("--json", options->json, "print JSON");
    command->callback([&session, options] { session.status = hash_all(*options); });
}

}  // namespace doorward
