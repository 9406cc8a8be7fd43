// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the built command against a server with a fake daemon behind it.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "fake_controlled.hpp"
#include "server_thread.hpp"
#include "temp_folder.hpp"

namespace doorward {

struct Outcome {
    int status = -1;
    std::string out;
    std::string err;
};

inline std::string shell_word(const std::string& word) {
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

class Commands {
public:
    // `before` is put before the command: variables, or another program.
    Outcome run(const std::vector<std::string>& words, const std::string& before = "") const {
        std::string line = before + " " + shell_word(DOORWARD_COMMAND);
        for (const auto& word : words) line += " " + shell_word(word);
        line += " >" + folder_ / "out" + " 2>" + folder_ / "err" + " </dev/null";
        const int status = std::system(line.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, folder_.read("out"),
                folder_.read("err")};
    }

private:
    TempFolder folder_;
};

struct CliFixture {
    explicit CliFixture(AccessGroups groups = {.read = ::getgid(), .change = ::getgid()})
        : methods(daemon, "1.2.3"),
          server({socket, groups, {}},
                 [this](const Call& call, Access access) {
                     const std::lock_guard turn(order_);
                     return methods.call(call, access);
                 }) {}

    Outcome run(std::vector<std::string> words, const std::string& before = "") const {
        words.insert(words.begin(), {"--socket", socket});
        std::unique_lock(order_).unlock();
        auto outcome = commands.run(words, before);
        std::unique_lock(order_).unlock();
        return outcome;
    }

    TempFolder folder;
    std::string socket = folder / "control.sock";
    Commands commands;
    FakeControlled daemon;
    ControlMethods methods;

private:
    // What a test and the server's thread share is ordered by the command that runs in between, which
    // ThreadSanitizer can't see.
    mutable std::mutex order_;

public:
    ServerThread server;
};

inline void is_one_line(const std::string& text) {
    CHECK(std::ranges::count(text, '\n') == 1);
    CHECK_THAT(text, Catch::StartsWith("doorward: "));
}

}  // namespace doorward
