// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "rules/script.hpp"

using namespace doorward;

namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words) {
    std::string all;
    for (const auto& word : words) all += word + '\0';
    return all;
}

std::string script(const std::string& exe, const Words& words, const std::string& folder = "/srv/w") {
    const std::string arguments = joined(words);
    return script_path({.exe = exe, .arguments = arguments, .working_directory = folder});
}

// Why not is another test's.
std::string without_reason(std::string script) {
    return script.starts_with(unknown_prefix) ? std::string() : script;
}

struct Case {
    std::string exe;
    Words words;
    std::string expected;
};

void check(const std::vector<Case>& cases) {
    for (const auto& [exe, words, expected] : cases) {
        std::string line;
        for (const auto& word : words) line += word + "␣";
        INFO(exe << ": " << line);
        CHECK(without_reason(script(exe, words)) == expected);
    }
}

const std::string python = "/usr/bin/python3.11", bash = "/usr/bin/bash", sh = "/usr/bin/dash",
                  perl = "/usr/bin/perl", ruby = "/usr/bin/ruby3.1", node = "/usr/bin/node",
                  php = "/usr/bin/php8.2", lua = "/usr/bin/lua5.4", r = "/usr/lib/R/bin/exec/R",
                  java = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", x = "/opt/backup/run";

}  // namespace

TEST_CASE("the script of Python") {
    check({
        {python, {"python3", x}, x},
        {python, {"anything", x, "-c", "no"}, x},
        {python, {"python3", "run.py"}, "/srv/w/run.py"},
        {python, {"python3", "-u", "-W", "ignore", "-Xdev", "-bb", x, "y"}, x},
        {python, {"python3", "--check-hash-based-pycs", "always", x}, x},
        {python, {"python3", "--", x}, x},
        {python, {"python3", "-m", "http.server", x}, "module:http.server"},
        {python, {"python3", "-Immod", x}, "module:mod"},
        {python, {"python3", "module:http.server"}, "/srv/w/module:http.server"},
        {"/opt/pypy3/bin/pypy3", {"pypy3", x}, x},
        {python, {"/usr/bin/python3", "-E", "./run.py", "a"}, "/srv/w/run.py"},  // "#!" line
        // Nothing of these is a script.
        {python, {"python3"}, ""},
        {python, {"python3", "-"}, ""},
        {python, {"python3", "-", x}, ""},
        {python, {"python3", "-c", "pass", x}, ""},
        {python, {"python3", "-cpass", x}, ""},
        {python, {"python3", "-Ic", "pass", x}, ""},
        {python, {"python3", "-W", x}, ""},
        {python, {"python3", "-m"}, ""},
        {python, {"python3", "-m", ""}, ""},
        {python, {"python3", "-V", x}, ""},
        {python, {"python3", "--help", x}, ""},
        {python, {"python3", "-Z", x}, ""},
        {python, {"python3", ""}, ""},
        {python, {}, ""},
    });
}

TEST_CASE("the script of a shell") {
    check({
        {bash, {"bash", "x.sh"}, "/srv/w/x.sh"},
        {bash, {"-bash", x}, x},
        {bash, {"bash", "-euo", "pipefail", x, "-c"}, x},
        {bash, {"bash", "--norc", "--rcfile", "/f", "-x", "+o", "posix", "-O", "extglob", x}, x},
        {bash, {"bash", "--", x}, x},
        {bash, {"bash", "-", x}, x},
        {sh, {"sh", "-e", x, "a"}, x},
        {sh, {"/bin/sh", x}, x},
        {"/usr/bin/zsh", {"zsh", "-f", x}, x},
        {"/usr/bin/busybox", {"/bin/sh", "-e", x}, x},
        {"/usr/bin/busybox", {"busybox", "ash", x}, x},
        {bash, {"bash"}, ""},
        {bash, {"bash", "-c", "true", x}, ""},
        {bash, {"bash", "-lc", "true", x}, ""},
        {bash, {"bash", "-ec", "true", x}, ""},
        {bash, {"bash", "-s", x}, ""},
        {bash, {"bash", "-es", x}, ""},
        {bash, {"bash", "-o", x}, ""},
        {bash, {"bash", "-rcfile", "/f", x}, ""},
        {bash, {"bash", "--norc=1", x}, ""},
        {sh, {"sh", "-c", x}, ""},
        {sh, {"sh", "--posix", x}, ""},
        {"/usr/bin/busybox", {"wget", x}, ""},
        {"/usr/bin/busybox", {"busybox", "wget", x}, ""},
        {"/usr/bin/busybox", {"sh", "-c", x}, ""},
        {"/usr/bin/busybox", {"python3", x}, ""},
    });
}

TEST_CASE("the scripts of others") {
    check({
        {perl, {"perl", "-w", "-I", "/lib", x}, x},
        {perl, {"perl", "-I/lib", "-l012n", "-0777", "-i.bak", x}, x},
        {ruby, {"ruby", "-W:no", x}, ""},
        {ruby, {"ruby", "-w", "-rset", "-I", "lib", "--disable=gems", x}, x},
        {node, {"node", x}, x},
        {node, {"node", "--require", "m", "-r", "n", "--max-old-space-size=9", "--inspect", x}, x},
        {php, {"php", "-d", "a=b", "-f", x}, x},
        {php, {"php", "-da=b", "-n", x}, x},
        {lua, {"lua", "-l", "m", x}, x},
        {r, {"R", "--no-echo", "--no-restore", "--file=run.R", "--args", "-e"}, "/srv/w/run.R"},
        {java, {"java", "-Xmx1g", "-cp", "/a", "-jar", "/opt/a.jar", "-jar", x}, "/opt/a.jar"},
        {java, {"java", "--add-opens", "a/b=c", "--enable-preview", "org.x.Main"}, "class:org.x.Main"},
        {java, {"java", "-m", "mod/org.x.Main"}, "module:mod/org.x.Main"},
        {java, {"java", "Run.java"}, "/srv/w/Run.java"},
    });
}

TEST_CASE("what runs text, or can't be told, has no script") {
    check({
        {perl, {"perl", "-e", "1", x}, ""},      {perl, {"perl", "-E1", x}, ""},
        {perl, {"perl", "-lne", "1", x}, ""},    {perl, {"perl", "-l0e1", x}, ""},
        {perl, {"perl", "-0e1", x}, ""},         {perl, {"perl", "-F, -e1", x}, ""},
        {perl, {"perl", "-Mstrict;1", x}, ""},   {perl, {"perl", "-S", x}, ""},
        {perl, {"perl", "-x", x}, ""},           {perl, {"perl", "-de1", x}, ""},
        {perl, {"perl", "-0x41e1", x}, ""},      {perl, {"perl", "-", x}, ""},
        {ruby, {"ruby", "-e", "1", x}, ""},      {ruby, {"ruby", "-C", "/", x}, ""},
        {ruby, {"ruby", "-KUe1", x}, ""},        {ruby, {"ruby", "-0e1", x}, ""},
        {ruby, {"ruby", "-x", x}, ""},           {ruby, {"ruby", "-S", x}, ""},
        {node, {"node", "-e", "1", x}, ""},      {node, {"node", "--eval=1", x}, ""},
        {node, {"node", "--eval", "1", x}, ""},  {node, {"node", "-p", "1", x}, ""},
        {node, {"node", "-pe", "1", x}, ""},     {node, {"node", "--not-known", x}, ""},
        {node, {"node", "--not-known=1", x}, ""}, {node, {"node", "-", x}, ""},
        {php, {"php", "-r", "1;", x}, ""},       {php, {"php", "--", x}, ""},
        {php, {"php", "-S", "[::]:1", x}, ""},   {php, {"php", "-F", x}, ""},
        {php, {"php", "-f"}, ""},                {lua, {"lua", "-e", "1", x}, ""},
        {lua, {"lua", "-", x}, ""},              {r, {"R", "-e", "1", "--file=" + x}, ""},
        {r, {"R", "--file=" + x, "-e", "1"}, ""}, {r, {"R", "--file=/a", "--file=" + x}, ""},
        {java, {"java", "@file", "-jar", x}, ""}, {java, {"java", "-cp"}, ""},
        {java, {"java", "--not-known", x}, ""},  {java, {"java"}, ""},
        {"/usr/bin/curl", {"python3", x}, ""},   {"/usr/bin/pythonista", {"python3", x}, ""},
        {"/usr/bin/env", {"env", "python3", x}, ""}, {"", {"python3", x}, ""},
    });
}

TEST_CASE("paths of scripts") {
    const auto of = [](const std::string& path) { return without_reason(script(python, {"p", path})); };
    CHECK(of("//opt//backup/./run") == "/opt/backup/run");
    CHECK(of("../run.py") == "/srv/run.py");
    CHECK(of("./../../../../run.py") == "/run.py");
    CHECK(of("zip/") == "/srv/w/zip");
    // Behind a name, ".." may lead elsewhere than it seems.
    CHECK(of("link/../run.py") == "");
    CHECK(of("/opt/backup/link/../run") == "");
    CHECK(of("/..//opt/x") == "");
    // Names that are not the file's own.
    CHECK(of("/dev/fd/3") == "");
    CHECK(of("/dev/stdin") == "");
    CHECK(of("/proc/self/fd/3") == "");
    CHECK(of("//proc/1/root/opt/x") == "");
    CHECK(of("/") == "");
    CHECK(script(python, {"p", "run.py"}, "") == "unknown:folder");
    CHECK(script(python, {"p", x}, "") == x);
    CHECK(script(python, {"p", "fd/3"}, "/proc/self") == "unknown:file");
    CHECK(script(python, {"p", "run.py"}, "/") == "/run.py");
    CHECK(script(python, {"p", std::string(4100, 'a')}) == "unknown:path");

    const std::string arguments = joined({"p", "/opt/x"});
    StartOfProgram start{.exe = python, .arguments = arguments, .working_directory = "/srv"};
    start.root_changed = true;
    CHECK(script_path(start) == "unknown:root");
    const std::string relative = joined({"p", "x"}), upwards = joined({"p", "../x"});
    start.arguments = relative;
    CHECK(script_path(start) == "/srv/x");
    start.arguments = upwards;
    CHECK(script_path(start) == "unknown:path");
}

TEST_CASE("arguments that are cut short name no script") {
    const std::string whole = joined({"p", "/opt/x", "more"});
    StartOfProgram start{.exe = python, .arguments = whole, .arguments_cut = true};
    CHECK(script_path(start) == "/opt/x");
    start.arguments = std::string_view(whole).substr(0, 8);  // without its NUL
    CHECK(script_path(start) == "unknown:cut");
    start.arguments = std::string_view(whole).substr(0, 9);
    CHECK(script_path(start) == "/opt/x");
    start.arguments = std::string_view(whole).substr(0, 5);
    CHECK(script_path(start) == "unknown:cut");
}

TEST_CASE("what runs no script that is known says why") {
    const std::vector<Case> cases{
        {python, {"p", "-c", "1", x}, "unknown:options"}, {python, {"p", "--new"}, "unknown:options"},
        {java, {"java", "@file"}, "unknown:options"},     {r, {"R", "-e", "1"}, "unknown:options"},
        {python, {"p"}, "unknown:input"},                 {python, {"p", "-", x}, "unknown:input"},
        {php, {"php", "--", x}, "unknown:input"},         {bash, {"-bash"}, "unknown:input"},
        {"/usr/bin/busybox", {"sh"}, "unknown:input"},    {r, {"R", "--no-echo"}, "unknown:input"},
        {python, {"p", ""}, "unknown:path"},              {python, {"p", "a/../b"}, "unknown:path"},
        {python, {"p", "/dev/fd/3"}, "unknown:file"},     {"/usr/bin/curl", {"python3", x}, ""},
        {"/usr/bin/busybox", {"wget", x}, ""},            {"", {"python3", x}, ""},
    };
    for (const auto& [exe, words, expected] : cases) CHECK(script(exe, words) == expected);
    const std::string arguments = joined({"p", x});
    StartOfProgram start{.exe = python, .arguments = arguments, .arguments_known = false};
    CHECK(script_path(start) == "unknown:arguments");
    start.exe = "/usr/bin/curl";
    CHECK(script_path(start) == "");
    // A file can't be called so.
    CHECK(script(python, {"p", "unknown:input"}) == "/srv/w/unknown:input");
}
