// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <csignal>
#include <sys/wait.h>

#include "fwd/exit_watch.hpp"
#include "fwd/proc_files.hpp"

using namespace doorward;

namespace {

// Sleeps until it is killed; what is left of it is gone with this object.
class Child {
public:
    Child() : pid_(::fork()) {
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::alarm(60);
            for (;;) ::pause();
        }
    }
    ~Child() {
        kill();
        reap();
    }
    std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }
    void kill() const {
        if (pid_ > 0) ::kill(pid_, SIGKILL);
    }
    // Ended, and its parent has not asked how.
    void make_zombie() const {
        kill();
        siginfo_t info{};
        REQUIRE(::waitid(P_PID, pid(), &info, WEXITED | WNOWAIT) == 0);
    }
    void reap() {
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_;
};

Lifetime lasts_with(std::uint32_t pid) { return {Lifetime::Until::exit, pid}; }

struct Fixture {
    Fixture() {
        sd_event* raw = nullptr;
        REQUIRE(sd_event_new(&raw) >= 0);
        event.reset(raw);
        watch = std::make_unique<ExitWatch>(raw, [this](const std::string& rule) {
            ended.push_back(rule);
            rules.remove(rule);
            CHECK(watch->follow(rules));
        });
    }
    void add(const std::string& name, const Child& child) {
        Rule rule;
        rule.name = name;
        auto process = open_process(lasts_with(child.pid()));
        REQUIRE(process);
        REQUIRE(rules.add(rule, true, lasts_with(child.pid()),
                          std::make_shared<const Fd>(std::move(*process))));
        REQUIRE(watch->follow(rules));
    }
    // Whether anything happened within a time.
    bool turn(std::uint64_t milliseconds) {
        return sd_event_run(event.get(), milliseconds * 1000) > 0;
    }

    CHandle<sd_event, sd_event_unref> event;
    TemporaryRules rules;
    std::vector<std::string> ended;
    std::unique_ptr<ExitWatch> watch;
};

}  // namespace

TEST_CASE("the end of a process is told once for each rule that lasts with it") {
    Fixture fixture;
    const Child one, other;
    fixture.add("a", one);
    fixture.add("b", one);
    fixture.add("c", other);
    CHECK(fixture.watch->watched() == 3);
    CHECK_FALSE(fixture.turn(20));
    one.kill();
    for (int i = 0; i < 2; ++i) REQUIRE(fixture.turn(10000));
    CHECK_FALSE(fixture.turn(20));
    std::ranges::sort(fixture.ended);
    CHECK(fixture.ended == std::vector<std::string>{"a", "b"});
    CHECK(fixture.watch->watched() == 1);
}

TEST_CASE("a rule that was removed is not told of, nor one that has taken its name") {
    Fixture fixture;
    const Child old, fresh;
    fixture.add("a", old);
    fixture.rules.remove("a");
    fixture.add("a", fresh);
    old.kill();
    CHECK_FALSE(fixture.turn(50));
    fresh.kill();
    CHECK(fixture.turn(10000));
    CHECK(fixture.ended == std::vector<std::string>{"a"});
}

TEST_CASE("only a process that runs can be lasted with, and only the one that is meant") {
    Child child;
    Lifetime meant = lasts_with(child.pid());
    meant.started = ProcFolder::open("/proc", child.pid())->stat()->start_ticks;
    CHECK(open_process(meant));
    ++*meant.started;
    const auto other = open_process(meant);
    REQUIRE_FALSE(other);
    CHECK_THAT(other.error().text(), Catch::Contains("is another one"));
    child.make_zombie();
    const auto ended = open_process(lasts_with(child.pid()));
    REQUIRE_FALSE(ended);
    CHECK_THAT(ended.error().text(), Catch::Contains("has ended"));
    const auto gone = lasts_with(child.pid());
    child.reap();
    const auto nobody = open_process(gone);
    REQUIRE_FALSE(nobody);
    CHECK_THAT(nobody.error().text(), Catch::Contains("there is no process"));
}
