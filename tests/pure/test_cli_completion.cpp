// SPDX-License-Identifier: GPL-2.0-or-later
// Completion in bash, against the same command.
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "cli_fixture.hpp"

using namespace doorward;

namespace {

// The long options of a help text. They stand at the beginning of a line, as "-f,--follow" or
// "--color,--colour"; of several names the first long one counts.
std::set<std::string> listed_options(const std::string& help) {
    std::set<std::string> options;
    std::istringstream lines(help);
    for (std::string line, word; std::getline(lines, line);) {
        std::istringstream words(line);
        if (!line.starts_with(' ') || !(words >> word) || !word.starts_with('-')) continue;
        const auto start = word.find("--");
        if (start != std::string::npos)
            options.insert(word.substr(start, word.find(',', start) - start));
    }
    return options;
}

}  // namespace

TEST_CASE("completion knows commands, options, values, and the rules that there are") {
    CliFixture fixture;
    // Completes `words`, of which the last one is being typed.
    const auto complete = [&](const std::vector<std::string>& words) {
        std::string line =
            "source " DOORWARD_SOURCE_DIR "/cli/completion/doorward.bash; COMP_WORDS=(";
        for (const auto& word : words) line += shell_word(word) + " ";
        line += "); COMP_CWORD=" + std::to_string(words.size() - 1) +
                "; _doorward; printf '%s\\n' \"${COMPREPLY[@]}\"";
        const std::string out = fixture.folder / "completed";
        REQUIRE(std::system(("bash -c " + shell_word(line) + " >" + out).c_str()) == 0);
        return fixture.folder.read("completed");
    };
    const std::string command = DOORWARD_COMMAND;
    CHECK(complete({command, "st"}) == "status\n");
    CHECK(complete({command, "rules", "re"}) == "remove\nreload\n");
    CHECK(complete({command, "lists", "u"}) == "update\n");
    CHECK(complete({command, "log", "ver"}) == "verify\n");
    CHECK(complete({command, "log", "verify", "--h"}) == "--help\n--head\n");
    CHECK(complete({command, "lists", "check", "x", "--format", "ad"}) == "adblock\naddresses\n");
    CHECK(complete({command, "--color", "al"}) == "always\n");
    CHECK(complete({command, "--color", "=", "ne"}) == "never\n");
    CHECK(complete({command, "--color", "never", "mode", ""}) == "observe\nenforce\n");
    CHECK(complete({command, "deny", "--dr"}) == "--drop\n");
    CHECK(complete({command, "allow", "--dr"}) == "\n");
    std::string reasons;
    for (std::uint8_t i = 1; i < 64; ++i) {
        const auto name = unknown_name(static_cast<Unknown>(i));
        if (parse_unknown(name) == static_cast<Unknown>(i)) reasons += std::string(name) + "\n";
    }
    CHECK(complete({command, "explain", "--unknown", ""}) == reasons);
    CHECK(complete({command, "--socket", fixture.socket, "rules", "remove", "al"}) ==
          "alice-off\n");
    CHECK(complete({command, "--socket", "=", fixture.socket, "rules", "show", ""}) ==
          "web\nalice-off\n");
    CHECK(complete({command, "--socket", "/nonexistent", "rules", "show", ""}) == "\n");
}

TEST_CASE("completion and help know the same options") {
    const Commands commands;
    TempFolder folder;
    for (const std::string words :
         {"status", "rules list", "rules show", "rules add", "rules remove", "rules enable",
          "rules disable", "rules check", "rules fmt", "rules schema", "rules reload", "allow", "deny", "log", "log verify", "flows", "kill", "mode",
          "explain", "hash", "lists", "lists update", "lists check", "import opensnitch", "import ufw", "export"}) {
        const std::string line = "source " DOORWARD_SOURCE_DIR
                                 "/cli/completion/doorward.bash; _doorward_options " +
                                 shell_word(words);
        REQUIRE(std::system(("bash -c " + shell_word(line) + " >" + folder / "options").c_str()) ==
                0);
        std::set<std::string> completed;
        std::istringstream options(folder.read("options"));
        for (std::string option; options >> option;) completed.insert(option);

        const auto space = words.find(' ');
        std::vector<std::string> help{words.substr(0, space)};
        if (space != std::string::npos) help.push_back(words.substr(space + 1));
        help.push_back("--help");
        std::set<std::string> helped{"--socket", "--color", "--version"};
        const std::string text = commands.run(help).out;
        for (const auto& option : listed_options(text)) helped.insert(option);
        INFO(words);
        CHECK(completed == helped);
    }
}
