// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/app_path.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/handle.hpp"
#include "rules/condition_text.hpp"
#include "rules/control_group.hpp"

namespace doorward {
namespace {

bool is_program(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_in_path(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        // A relative folder would name another file for each place the command is run from.
        if (folder.starts_with('/') && is_program(folder + "/" + name)) return folder + "/" + name;
    return fail("there is no program \"" + name + "\" in PATH", "give its whole path");
}

// The interpreter that "#!" names, if the file is a script.
std::optional<std::string> interpreter_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 256> head{};
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    std::string_view line(head.data(), static_cast<std::size_t>(file.gcount()));
    if (!line.starts_with("#!")) return std::nullopt;
    line.remove_prefix(2);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return std::string(line.substr(0, line.find_first_of(" \t\r\n")));
}

std::optional<std::string> real_path(const std::string& path) {
    std::array<char, PATH_MAX> resolved{};
    if (!::realpath(path.c_str(), resolved.data())) return std::nullopt;
    return resolved.data();
}

Result<AppPath> resolve_path(const std::string& text, const std::string& path) {
    const auto real = real_path(path);
    if (!real) {
        if (!path.starts_with('/'))
            return sys_fail("find " + path, errno, "give the program's whole path");
        return AppPath{path, path + " does not exist now; the rule waits for it"};
    }
    if (const auto interpreter = interpreter_of(*real))
        return fail(fmt::format("{} is a script: the kernel knows it as its interpreter, {}, so a "
                                "rule on it would match nothing", *real, *interpreter),
                    "name the interpreter, and the script with --script");
    if (*real == text) return AppPath{*real, std::nullopt};
    return AppPath{*real, text + " is " + *real};
}

}  // namespace

Result<AppPath> resolve_app(const std::string& text) {
    if (text.empty()) return fail("the program's name is empty");
    if (text.find('/') == std::string::npos) {
        if (const auto app = parse_app(text); app && app->kind == AppPattern::Kind::unknown)
            return AppPath{text, std::nullopt};
        const auto found = find_in_path(text);
        if (!found) return std::unexpected(found.error());
        return resolve_path(text, *found);
    }
    const auto app = parse_app(text);
    // What a user sees under a path of his own can't be looked at from here.
    if (app && (app->kind == AppPattern::Kind::glob || text.starts_with(user_prefix))) return AppPath{text, std::nullopt};
    return resolve_path(text, text);
}

}  // namespace doorward
