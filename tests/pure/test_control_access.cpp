// SPDX-License-Identifier: GPL-2.0-or-later
// Who may connect, and do what.
#include <chrono>
#include <csignal>
#include <thread>

#include <catch2/catch.hpp>
#include <grp.h>
#include <sys/wait.h>

#include "control_client.hpp"
#include "fwd/call_allowance.hpp"
#include "fwd/control_places.hpp"
#include "lacks_root.hpp"

using namespace doorward;
using namespace std::chrono_literals;

namespace {

// Asks as another user, from another process; what it is answered comes back as text.
std::vector<std::string> ask_as(uid_t uid, gid_t gid, const std::vector<gid_t>& groups,
                                const std::string& path, const std::vector<std::string>& calls) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const bool became = ::setgroups(groups.size(), groups.data()) == 0 && ::setgid(gid) == 0 &&
                            ::setuid(uid) == 0;
        const Fd fd = connect_to(path);
        for (const std::string& call : calls) {
            const std::string answer =
                (became && send_to(fd, call) ? error_of(receive(fd)) : "(failed)") + "\n";
            if (::write(ends[1], answer.data(), answer.size()) < 0) ::_exit(1);
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    std::vector<std::string> answers(1);
    for (char c = 0; ::read(ends[0], &c, 1) == 1;)
        if (c == '\n') answers.emplace_back();
        else answers.back() += c;
    answers.pop_back();
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return answers;
}

Peer peer(uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
    return {uid, gid, 1, std::move(groups)};
}

const std::string reload_call = encode(Call{"org.doorward.Control.Reload"});

}  // namespace

TEST_CASE("credentials give rights: root, members of a group, others") {
    const AccessGroups groups{.read = 100, .change = 200};
    CHECK(access_of(peer(0, 0), {}) == Access::change);
    CHECK(access_of(peer(1, 200), groups) == Access::change);
    CHECK(access_of(peer(1, 5, {7, 200}), groups) == Access::change);
    CHECK(access_of(peer(1, 100), groups) == Access::read);
    CHECK(access_of(peer(1, 5, {100}), groups) == Access::read);
    CHECK(access_of(peer(1, 5, {6, 7}), groups) == Access::none);
    CHECK(access_of(peer(1, 0, {0}), {}) == Access::none);
}

TEST_CASE("groups are found by name") {
    CHECK(find_group("root") == gid_t{0});
    CHECK_FALSE(find_group("no-such-group-anywhere"));
}

TEST_CASE("what the kernel says of the caller decides, not what it asks") {
    if (lacks_root("to become other users")) return;
    ServerFixture fixture({}, {.read = 4242, .change = 4343});
    const std::vector<std::string> calls{info_call, status_call, reload_call};
    using Answers = std::vector<std::string>;
    CHECK(ask_as(65534, 65534, {}, fixture.path(), calls) ==
          Answers{"", "PermissionDenied", "PermissionDenied"});
    CHECK(ask_as(65534, 65534, {4242}, fixture.path(), calls) ==
          Answers{"", "", "PermissionDenied"});
    CHECK(ask_as(65534, 4242, {}, fixture.path(), calls) == Answers{"", "", "PermissionDenied"});
    CHECK(ask_as(65534, 65534, {1, 2, 4343}, fixture.path(), calls) == Answers{"", "", ""});
    CHECK(ask_as(65534, 0, {0}, fixture.path(), calls) ==
          Answers{"", "PermissionDenied", "PermissionDenied"});
    CHECK(ask_as(0, 0, {}, fixture.path(), calls) == Answers{"", "", ""});
}

TEST_CASE("a caller in more groups than usual is recognised") {
    if (lacks_root("to become other users")) return;
    ServerFixture fixture({}, {.read = 59999, .change = {}});
    std::vector<gid_t> groups;
    for (gid_t gid = 50000; gid < 60000; ++gid) groups.push_back(gid);
    CHECK(ask_as(65534, 65534, groups, fixture.path(), {status_call}) ==
          std::vector<std::string>{""});
}

TEST_CASE("clients beyond the limit are told so; a place that is given up is free again") {
    if (lacks_root("for whom the limit is not one of users")) return;
    ControlLimits limits;
    limits.clients = 2;
    limits.root_reserve = 0;
    ServerFixture fixture(limits);
    Fd first = fixture.connect();
    const Fd second = fixture.connect();
    REQUIRE((send_to(first, info_call) && receive(first)));
    REQUIRE((send_to(second, info_call) && receive(second)));
    const Fd third = fixture.connect();
    CHECK(error_of(receive(third)) == "TooManyClients");
    CHECK(hung_up(third));
    first = Fd();
    bool admitted = false;
    for (int tries = 0; tries < 100 && !admitted; ++tries) {
        std::this_thread::sleep_for(20ms);
        const Fd again = fixture.connect();
        admitted = send_to(again, info_call) && error_of(receive(again)).empty();
    }
    CHECK(admitted);
}

TEST_CASE("who may do less gives way, then who has most, and root never") {
    using enum Access;
    const std::vector<ControlPlace> taken{{0, change}, {7, read}, {7, read}, {7, read}, {8, none}, {9, none}, {9, none}};
    CHECK(to_displace(taken, {5, read}) == 5);
    CHECK(to_displace(taken, {5, change}) == 5);
    CHECK(to_displace(taken, {5, none}) == 5);
    CHECK_FALSE(to_displace(taken, {8, none}));  // he would have as many
    CHECK_FALSE(to_displace(taken, {9, none}));
    const std::span without(taken.data(), 4);
    CHECK(to_displace(without, {5, read}) == 1);
    CHECK(to_displace(without, {5, change}) == 1);
    CHECK_FALSE(to_displace(without, {5, none}));
    CHECK_FALSE(to_displace(without, {7, read}));
    CHECK_FALSE(to_displace(std::span(taken.data(), 1), {5, change}));
    CHECK_FALSE(to_displace({}, {5, change}));
}

TEST_CASE("root finds a free place when a user has taken all he may") {
    if (lacks_root("to become other users")) return;
    ControlLimits limits;
    limits.clients = 3;
    limits.root_reserve = 1;
    limits.clients_per_uid = 2;
    ServerFixture fixture(limits, {.read = 65534, .change = {}});
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
        const Fd one = fixture.connect();
        const Fd two = fixture.connect();
        const bool ready = send_to(one, info_call) && receive(one) && send_to(two, info_call) &&
                           receive(two);
        const Fd three = fixture.connect();
        const bool refused = error_of(receive(three)) == "TooManyClients";
        // Asks as root would, while both places are taken, by telling the parent to go on.
        ::raise(SIGSTOP);
        ::_exit(ready && refused ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    const Fd root = fixture.connect();
    CHECK((send_to(root, status_call) && error_of(receive(root)).empty()));
    ::kill(child, SIGCONT);
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("what a user may ask in a second is counted for each, and root is not") {
    using namespace std::chrono_literals;
    const CallAllowance::Clock::time_point start{5min};
    CallAllowance allowance(2);
    CHECK((allowance.take(7, start) && allowance.take(7, start + 1ms)));
    CHECK_FALSE(allowance.take(7, start + 999ms));
    CHECK(allowance.take(8, start + 999ms));
    for (int i = 0; i < 10; ++i) CHECK(allowance.take(0, start));
    CHECK((allowance.take(7, start + 1s) && allowance.take(7, start + 1s)));
    CHECK_FALSE(allowance.take(7, start + 1999ms));
}

TEST_CASE("who asks too often is answered later, and nobody else is") {
    if (lacks_root("to become other users")) return;
    constexpr int calls = 12;
    ControlLimits limits;
    limits.calls_per_second = 5;
    ServerFixture fixture(limits, {.read = 65534, .change = {}});
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
        const Fd one = fixture.connect();
        std::string at_once;
        for (int i = 0; i < calls; ++i) at_once += info_call;
        bool answered = send_to(one, at_once);
        for (int i = 0; i < calls; ++i) {
            const auto reply = receive(one);
            answered = answered && reply && error_of(reply).empty();
        }
        // New connections are no way around it.
        bool refused = false;
        for (int tries = 0; tries < 200 && !refused; ++tries) {
            const Fd again = fixture.connect();
            static_cast<void>(send_to(again, info_call));  // it may be closed by then
            refused = error_of(receive(again)) == "TooManyClients";
        }
        ::_exit(answered && refused ? 0 : 1);
    }
    for (int i = 0; i < 4 * calls; ++i) {
        const Fd root = fixture.connect();
        CHECK((send_to(root, status_call) && error_of(receive(root)).empty()));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}
