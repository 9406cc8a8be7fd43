// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/script.hpp"

#include <algorithm>
#include <array>
#include <expected>
#include <vector>

#include "rules/interpreters.hpp"

namespace doorward {

namespace {

constexpr std::size_t longest_path = 4095;

// Why there is no script: doorward-rules(5) explains them.
namespace why {
constexpr std::string_view none;  // no interpreter that is known
constexpr std::string_view arguments = "arguments";
constexpr std::string_view cut = "cut";
constexpr std::string_view options = "options";
constexpr std::string_view input = "input";
constexpr std::string_view folder = "folder";
constexpr std::string_view root = "root";
constexpr std::string_view path = "path";
constexpr std::string_view file = "file";
}  // namespace why

using Found = std::expected<std::string, std::string_view>;
using Argument = std::expected<std::string_view, std::string_view>;
using No = std::unexpected<std::string_view>;

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

bool contains(std::string_view letters, char letter) { return letters.contains(letter); }

// The arguments behind argv[0]. What may be cut short is not one of them: asked for, it is missing.
class Arguments {
public:
    explicit Arguments(const StartOfProgram& start) : end_(start.arguments_cut ? why::cut : why::input) {
        std::string_view rest = start.arguments;
        while (!rest.empty()) {
            const auto end = rest.find('\0');
            if (end == std::string_view::npos && start.arguments_cut) break;
            all_.push_back(rest.substr(0, end));
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }

    std::string_view name() const { return all_.empty() ? std::string_view() : all_[0]; }
    Argument next() {
        if (at_ >= all_.size()) return end();
        return all_[at_++];
    }
    No end() const { return No(end_); }

private:
    std::string_view end_;
    std::vector<std::string_view> all_;
    std::size_t at_ = 1;
};

Found as_script(Argument argument) {
    if (!argument) return No(argument.error());
    if (argument->empty()) return No(why::path);
    // So that no file can be called as a module is.
    return std::string(argument->starts_with('/') ? "" : "./").append(*argument);
}

Found named(std::string_view prefix, Argument name) {
    if (!name) return No(name.error());
    if (name->empty()) return No(why::options);
    return std::string(prefix).append(*name);
}

enum class Step { go_on, ended, unknown };

// Reads options up to the script by an interpreter's table.
class Reader {
public:
    Reader(const Interpreter& grammar, Arguments& arguments)
        : grammar_(grammar), arguments_(arguments) {}

    Found read() {
        while (const auto argument = arguments_.next()) {
            if (*argument == "--" && grammar_.dashes_mean_input) return No(why::input);
            if (*argument == "--" || (*argument == "-" && grammar_.dash_ends_options))
                return as_script(arguments_.next());
            if (*argument == "-") return No(why::input);
            if (!is_option(*argument)) return as_script(argument);
            const Step step = argument->starts_with("--") ? long_option(*argument)
                                                          : letters(argument->substr(1));
            if (step == Step::ended) return found_;
            if (step == Step::unknown) return No(why::options);
        }
        return arguments_.end();
    }

private:
    bool is_option(std::string_view argument) const {
        return argument.starts_with('-') || (grammar_.plus_options && argument.starts_with('+'));
    }

    Step long_option(std::string_view argument) {
        const auto name = argument.substr(0, argument.find('='));
        const bool with_value = name.size() < argument.size();
        const bool takes_value = is_one_of(name, grammar_.long_values);
        if (with_value)
            return takes_value || is_one_of(name, grammar_.long_joined) ? Step::go_on : Step::unknown;
        if (takes_value) return arguments_.next() ? Step::go_on : Step::unknown;
        return is_one_of(name, grammar_.long_flags) ? Step::go_on : Step::unknown;
    }

    // "-eux", "-Wignore", "-m": one or more options in one argument.
    Step letters(std::string_view group) {
        // Perl begins anew behind a space, as with "-F, -eCODE".
        if (group.empty() || group.find_first_of(" \t\n\r\v\f") != group.npos) return Step::unknown;
        std::size_t values_behind = 0;
        while (!group.empty()) {
            const char letter = group.front();
            group.remove_prefix(1);
            if (contains(grammar_.attached, letter)) break;
            if (contains(grammar_.numbers, letter)) {
                group.remove_prefix(std::min(group.find_first_not_of("01234567"), group.size()));
                continue;
            }
            if (contains(grammar_.later, letter)) ++values_behind;
            else if (contains(grammar_.values, letter)) {
                if (group.empty() && !arguments_.next()) return Step::unknown;
                break;
            } else if (contains(grammar_.modules, letter)) {
                return ends(named(module_prefix, value(group)));
            } else if (contains(grammar_.scripts, letter)) {
                return ends(as_script(value(group)));
            } else if (!contains(grammar_.flags, letter)) return Step::unknown;
        }
        for (; values_behind > 0; --values_behind)
            if (!arguments_.next()) return Step::unknown;
        return Step::go_on;
    }

    Argument value(std::string_view group) { return group.empty() ? arguments_.next() : group; }

    Step ends(Found found) {
        found_ = std::move(found);
        return Step::ended;
    }

    const Interpreter& grammar_;
    Arguments& arguments_;
    Found found_ = No(why::none);
};

// Options of Java are words with one dash. Those with a value in the next argument:
constexpr std::array<std::string_view, 14> java_values{
    "-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path",
    "--add-modules", "--add-reads", "--add-exports", "--add-opens", "--patch-module",
    "--limit-modules", "--enable-native-access", "--source"};

constexpr std::array<std::string_view, 3> java_flags{"--enable-preview", "--show-version",
                                                     "--validate-modules"};

Found java(Arguments& arguments) {
    while (const auto argument = arguments.next()) {
        if (*argument == "-jar") return as_script(arguments.next());
        if (*argument == "-m" || *argument == "--module") return named(module_prefix, arguments.next());
        if (argument->starts_with("--module=")) return named(module_prefix, argument->substr(9));
        if (argument->starts_with('@')) return No(why::options);  // a file with more arguments
        if (!argument->starts_with('-')) {
            if (argument->ends_with(".java")) return as_script(argument);
            return named(class_prefix, argument);
        }
        if (is_one_of(*argument, java_values)) {
            if (!arguments.next()) return arguments.end();
        } else if (argument->starts_with("--") && !argument->contains('=') &&
                   !is_one_of(*argument, java_flags)) {
            return No(why::options);
        }
    }
    return arguments.end();
}

// Rscript starts a shell script that starts R itself, with the file as an option.
Found r(Arguments& arguments) {
    Found file = arguments.end();
    while (const auto argument = arguments.next()) {
        if (*argument == "--args") break;
        if (*argument == "-e" || file) return No(why::options);
        if (argument->starts_with("--file=")) file = as_script(argument->substr(7));
        else if (*argument == "-f") file = as_script(arguments.next());
        else if (!argument->starts_with("--")) return No(why::options);
    }
    return file;
}

Found argument_of(const StartOfProgram& start) {
    Arguments arguments(start);
    std::string_view name = last_part(start.exe);
    if (name == "busybox") {
        // It is what it is called as; "busybox sh …" is sh.
        name = last_part(arguments.name());
        if (name == "busybox") name = last_part(arguments.next().value_or(""));
        if (name != "sh" && name != "ash") return No(why::none);
    }
    const Interpreter* grammar = find_interpreter(name);
    if (!grammar && name != "java" && name != "R") return No(why::none);
    if (!start.arguments_known) return No(why::arguments);
    if (name == "java") return java(arguments);
    return grammar ? Reader(*grammar, arguments).read() : r(arguments);
}

// Adds the parts of `path` to `to`. A ".." is followed only where no symbolic link can have been
// passed: at the front, below a folder that is known without them.
bool add_parts(std::vector<std::string_view>& to, std::string_view path, bool parent_allowed) {
    while (!path.empty()) {
        const auto part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(part.size() + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (!parent_allowed) return false;
            if (!to.empty()) to.pop_back();
            continue;
        }
        parent_allowed = false;
        to.push_back(part);
    }
    return true;
}

Found absolute(std::string_view path, const StartOfProgram& start) {
    std::vector<std::string_view> parts;
    if (path.starts_with('/')) {
        if (start.root_changed) return No(why::root);
        if (!add_parts(parts, path, false)) return No(why::path);
    } else {
        if (!start.working_directory.starts_with('/')) return No(why::folder);
        if (!add_parts(parts, start.working_directory, false)) return No(why::folder);
        if (!add_parts(parts, path, !start.root_changed)) return No(why::path);
    }
    // Files in these have no name that stays: /dev/fd/3, /proc/self/fd/3, /dev/stdin.
    if (parts.empty() || parts[0] == "proc" || parts[0] == "dev") return No(why::file);
    std::string out;
    for (const auto part : parts) out.append("/").append(part);
    if (out.size() > longest_path) return No(why::path);
    return out;
}

Found script_of(const StartOfProgram& start) {
    const Found argument = argument_of(start);
    if (!argument || argument->starts_with(module_prefix) || argument->starts_with(class_prefix))
        return argument;
    return absolute(*argument, start);
}

}  // namespace

std::string script_path(const StartOfProgram& start) {
    const Found script = script_of(start);
    if (script) return *script;
    return script.error().empty() ? std::string() : std::string(unknown_prefix).append(script.error());
}

}  // namespace doorward
