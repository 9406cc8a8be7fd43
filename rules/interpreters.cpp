// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/interpreters.hpp"

#include <algorithm>
#include <array>

namespace doorward {

namespace {

using Names = std::string_view;

// What is left out on purpose: every option that runs text instead of a file, reads standard input,
// searches PATH or changes the working directory first, and those that end at once. They make the
// script unknown, as does an option of a later version.

constexpr Names python_names[] = {"python", "pypy"};
constexpr Names python_values[] = {"--check-hash-based-pycs"};

constexpr Names bash_names[] = {"bash", "rbash"};
constexpr Names bash_flags[] = {"--norc", "--noprofile", "--posix", "--login", "--verbose",
                                "--restricted", "--noediting"};
constexpr Names bash_values[] = {"--rcfile", "--init-file"};

constexpr Names sh_names[] = {"sh", "dash", "ash", "ksh", "mksh", "lksh"};
constexpr Names zsh_names[] = {"zsh"};

constexpr Names perl_names[] = {"perl"};

constexpr Names ruby_names[] = {"ruby"};
constexpr Names ruby_flags[] = {"--yjit", "--jit", "--verbose", "--debug"};

constexpr Names ruby_joined[] = {"--encoding", "--external-encoding", "--internal-encoding",
                                 "--disable", "--enable", "--backtrace-limit"};

constexpr Names node_names[] = {"node", "nodejs"};
constexpr Names node_flags[] = {
    "--inspect", "--inspect-brk", "--trace-warnings", "--trace-deprecation", "--no-warnings",
    "--no-deprecation", "--throw-deprecation", "--enable-source-maps", "--preserve-symlinks",
    "--preserve-symlinks-main", "--expose-gc", "--expose_gc", "--experimental-vm-modules",
    "--experimental-modules", "--experimental-fetch", "--abort-on-uncaught-exception",
    "--trace-uncaught", "--no-addons", "--frozen-intrinsics", "--use-openssl-ca"};
constexpr Names node_values[] = {"--require", "--import", "--loader", "--experimental-loader",
                                 "--conditions", "--title", "--env-file"};

constexpr Names node_joined[] = {"--max-old-space-size", "--max_old_space_size",
                                 "--max-semi-space-size", "--stack-size", "--stack-trace-limit",
                                 "--inspect", "--inspect-brk", "--inspect-port",
                                 "--unhandled-rejections", "--dns-result-order",
                                 "--max-http-header-size", "--openssl-config"};

constexpr Names php_names[] = {"php"};
constexpr Names php_flags[] = {"--no-php-ini", "--no-chdir", "--no-header"};
constexpr Names php_values[] = {"--define", "--php-ini", "--zend-extension"};

constexpr Names lua_names[] = {"lua", "luajit"};

constexpr std::array interpreters{
    Interpreter{.names = python_names, .flags = "bBdEiIOPqRsStuvx", .values = "WXQ",
                .modules = "m", .long_values = python_values},
    Interpreter{.names = bash_names, .flags = "abefhiklmnpruvxBCEHPT", .later = "oO",
                .long_flags = bash_flags, .long_values = bash_values, .plus_options = true,
                .dash_ends_options = true},
    Interpreter{.names = sh_names, .flags = "abCefhiklmnpruvxVEGHUX", .later = "o",
                .plus_options = true, .dash_ends_options = true},
    Interpreter{.names = zsh_names, .flags = "aefhiklmnpruvxCEHINPTXY", .later = "o",
                .plus_options = true, .dash_ends_options = true},
    Interpreter{.names = perl_names, .flags = "acfnpstTuUwWX", .values = "I", .attached = "iCF",
                .numbers = "l0"},
    Interpreter{.names = ruby_names, .flags = "adlnpsUvwy", .values = "IrE", .attached = "iF",
                .long_flags = ruby_flags, .long_joined = ruby_joined, .numbers = "0"},
    Interpreter{.names = node_names, .values = "rC", .long_flags = node_flags,
                .long_values = node_values, .long_joined = node_joined},
    Interpreter{.names = php_names, .flags = "CeHnq", .values = "cdz", .scripts = "f",
                .long_flags = php_flags, .long_values = php_values, .dashes_mean_input = true},
    Interpreter{.names = lua_names, .flags = "EiWv", .values = "l"},
};

// "python3.11" → "python", "php8.2" → "php"; a name that is all version stays as it is.
std::string_view without_version(std::string_view name) {
    const auto end = name.find_last_not_of("0123456789.-");
    return end == std::string_view::npos ? name : name.substr(0, end + 1);
}

}  // namespace

const Interpreter* find_interpreter(std::string_view name) {
    const auto base = without_version(name);
    for (const Interpreter& each : interpreters)
        if (std::ranges::find(each.names, base) != each.names.end()) return &each;
    return nullptr;
}

}  // namespace doorward
