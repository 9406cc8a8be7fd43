// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake_controlled.hpp"
#include "lacks_root.hpp"
#include "server_thread.hpp"
#include "temp_folder.hpp"

using namespace doorward;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::string status_call = encode(Call{"org.doorward.Control.GetStatus"});
const std::string info_call = encode(Call{"org.varlink.service.GetInfo"});

Fd connect_to(const std::string& path) {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{20, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return fd;
}

bool send_to(const Fd& fd, std::string_view bytes) {
    return ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

// One message; what follows it is left in the socket. Nothing if the other end hung up.
std::optional<Reply> receive(const Fd& fd) {
    std::string message;
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t peeked = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_PEEK);
        if (peeked <= 0) return std::nullopt;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(peeked));
        const std::size_t end = bytes.find('\0');
        const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
        if (::recv(fd.get(), buffer.data(), taken, 0) != static_cast<ssize_t>(taken))
            return std::nullopt;
        message += bytes.substr(0, std::min(taken, end));
        if (end == std::string_view::npos) continue;
        const auto reply = decode_reply(message);
        return reply ? std::optional(*reply) : std::nullopt;
    }
}

bool hung_up(const Fd& fd) {
    char c = 0;
    const ssize_t got = ::recv(fd.get(), &c, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

std::string error_of(const std::optional<Reply>& reply) {
    return reply ? reply->error.substr(reply->error.rfind('.') + 1) : "(hung up)";
}

struct Fixture {
    explicit Fixture(ControlLimits limits = {}, AccessGroups groups = {})
        : methods(daemon, "1.2.3"),
          server({folder / "run/control.sock", groups, limits},
                 [this](const Call& call, Access access) { return methods.call(call, access); }) {}

    std::string path() const { return folder / "run/control.sock"; }
    Fd connect() const { return connect_to(path()); }

    TempFolder folder;
    FakeControlled daemon;
    ControlMethods methods;
    ServerThread server;
};

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

TEST_CASE("calls are answered one after the other on one connection") {
    Fixture fixture({}, {.read = ::getgid(), .change = ::getgid()});
    const Fd client = fixture.connect();
    REQUIRE(send_to(client, status_call + info_call + status_call));
    CHECK(receive(client)->parameters["status"]["pid"] == 42);
    CHECK(receive(client)->parameters["product"] == "doorwardd");
    CHECK(receive(client)->parameters["status"]["pid"] == 42);
    // In drops, too.
    for (const char c : status_call) REQUIRE(send_to(client, {&c, 1}));
    CHECK(receive(client)->parameters["status"]["pid"] == 42);
}

TEST_CASE("a oneway call is done and not answered") {
    Fixture fixture({}, {.read = {}, .change = ::getgid()});
    const Fd client = fixture.connect();
    Call call{"org.doorward.Control.SetMode", {{"mode", "enforce"}}};
    call.oneway = true;
    REQUIRE(send_to(client, encode(call) + status_call));
    CHECK(receive(client)->parameters["status"]["mode"] == "enforce");
}

TEST_CASE("what the kernel says of the caller decides, not what it asks") {
    if (lacks_root("to become other users")) return;
    Fixture fixture({}, {.read = 4242, .change = 4343});
    const std::vector<std::string> calls{info_call, status_call, reload_call};
    using Answers = std::vector<std::string>;
    CHECK(ask_as(65534, 65534, {}, fixture.path(), calls) ==
          Answers{"", "PermissionDenied", "PermissionDenied"});
    CHECK(ask_as(65534, 65534, {4242}, fixture.path(), calls) == Answers{"", "", "PermissionDenied"});
    CHECK(ask_as(65534, 4242, {}, fixture.path(), calls) == Answers{"", "", "PermissionDenied"});
    CHECK(ask_as(65534, 65534, {1, 2, 4343}, fixture.path(), calls) == Answers{"", "", ""});
    CHECK(ask_as(65534, 0, {0}, fixture.path(), calls) ==
          Answers{"", "PermissionDenied", "PermissionDenied"});
    CHECK(ask_as(0, 0, {}, fixture.path(), calls) == Answers{"", "", ""});
}

TEST_CASE("a caller in more groups than usual is recognised") {
    if (lacks_root("to become other users")) return;
    Fixture fixture({}, {.read = 59999, .change = {}});
    std::vector<gid_t> groups;
    for (gid_t gid = 50000; gid < 60000; ++gid) groups.push_back(gid);
    CHECK(ask_as(65534, 65534, groups, fixture.path(), {status_call}) ==
          std::vector<std::string>{""});
}

TEST_CASE("what is no call is answered once, then the connection ends") {
    Fixture fixture;
    const auto bytes = GENERATE(as<std::string>{}, std::string("{]\0", 3), std::string("\0", 1),
                                std::string("{\"method\":5}\0", 13),
                                "{\"method\":\"a.B\",\"parameters\":{\"x\":" +
                                    std::string(200000, '[') + std::string("\0", 1));
    const Fd client = fixture.connect();
    REQUIRE(send_to(client, bytes));
    CHECK(error_of(receive(client)) == "ProtocolError");
    CHECK(hung_up(client));
}

TEST_CASE("a call that is too long is refused, whether it ends or not") {
    ControlLimits limits;
    limits.call_bytes = 1000;
    Fixture fixture(limits);
    const Fd client = fixture.connect();
    REQUIRE(send_to(client, std::string(1001, ' ')));
    CHECK(error_of(receive(client)) == "ProtocolError");
    CHECK(hung_up(client));
}

TEST_CASE("an answer that is too long becomes an error") {
    ControlLimits limits;
    limits.reply_bytes = 300;
    Fixture fixture(limits, {.read = ::getgid(), .change = {}});
    const Fd client = fixture.connect();
    REQUIRE(send_to(client, status_call));
    const auto reply = receive(client);
    CHECK(error_of(reply) == "Failed");
    CHECK_THAT(reply->parameters["message"].get<std::string>(), Catch::Contains("longer than 300"));
}

TEST_CASE("clients beyond the limit are told so; a place that is given up is free again") {
    if (lacks_root("for whom the limit is not one of users")) return;
    ControlLimits limits;
    limits.clients = 2;
    limits.root_reserve = 0;
    Fixture fixture(limits);
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

TEST_CASE("root finds a free place when a user has taken all he may") {
    if (lacks_root("to become other users")) return;
    ControlLimits limits;
    limits.clients = 3;
    limits.root_reserve = 1;
    limits.clients_per_uid = 2;
    Fixture fixture(limits, {.read = 65534, .change = {}});
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

TEST_CASE("who stalls in the middle of a call is cut off, who keeps calling is not") {
    ControlLimits limits;
    limits.stalled = 1s;
    Fixture fixture(limits, {.read = ::getgid(), .change = {}});
    const Fd stalled = fixture.connect();
    const Fd busy = fixture.connect();
    REQUIRE(send_to(stalled, "{"));
    for (int i = 0; i < 6; ++i) {
        std::this_thread::sleep_for(500ms);
        // Drops don't prolong the time for one call.
        send_to(stalled, " ");
        REQUIRE((send_to(busy, status_call) && error_of(receive(busy)).empty()));
    }
    CHECK(hung_up(stalled));
}

TEST_CASE("who does not read his answer is cut off, and nobody else waits for him") {
    ControlLimits limits;
    limits.stalled = 1s;
    TempFolder folder;
    const json large{{"text", std::string(4 << 20, 'x')}};
    ServerThread server({folder / "control.sock", {}, limits},
                        [&](const Call& call, Access) -> Reply {
                            return call.method == "a.Large" ? Reply{"", large} : Reply{};
                        });
    const Fd lazy = connect_to(folder / "control.sock");
    REQUIRE(send_to(lazy, encode(Call{"a.Large"})));
    const Fd other = connect_to(folder / "control.sock");
    REQUIRE((send_to(other, encode(Call{"a.Small"})) && receive(other)));
    std::this_thread::sleep_for(3s);
    CHECK_FALSE(receive(lazy));  // what the socket still held, and then the end
    // The same answer arrives whole when it is read.
    REQUIRE(send_to(other, encode(Call{"a.Large"})));
    const auto reply = receive(other);
    REQUIRE(reply);
    CHECK((reply->parameters == large));
}

TEST_CASE("who hangs up in the middle of anything harms nobody") {
    Fixture fixture({}, {.read = ::getgid(), .change = {}});
    for (std::size_t length = 0; length <= status_call.size(); length += 7) {
        const Fd client = fixture.connect();
        send_to(client, std::string_view(status_call).substr(0, length));
    }
    const Fd client = fixture.connect();
    CHECK((send_to(client, status_call) && error_of(receive(client)).empty()));
}

TEST_CASE("the socket: its folder is made, everybody may connect, nothing is left behind") {
    TempFolder folder;
    const std::string path = folder / "run/control.sock";
    struct stat info{};
    {
        const mode_t usual = ::umask(0077);  // of a service that is careful with its files
        ServerThread server({path, {}, {}}, [](const Call&, Access) { return Reply{}; });
        ::umask(usual);
        REQUIRE(::stat(path.c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0666);
        REQUIRE(::stat((folder / "run").c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0755);
    }
    CHECK(::stat(path.c_str(), &info) != 0);
}

TEST_CASE("a stale socket is replaced, a living one and other files are not") {
    TempFolder folder;
    const std::string path = folder / "control.sock";
    const auto handler = [](const Call&, Access) { return Reply{}; };
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const Fd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
        REQUIRE(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    {
        ServerThread first({path, {}, {}}, handler);
        CHECK_THROWS_WITH(ServerThread({path, {}, {}}, handler),
                          Catch::Contains("another daemon listens on " + path));
        const Fd client = connect_to(path);
        CHECK((send_to(client, encode(Call{"a.B"})) && receive(client)));
    }
    folder.write("file", "keep me");
    CHECK_THROWS_WITH(ServerThread({folder / "file", {}, {}}, handler), Catch::Contains("no socket"));
    CHECK(folder.read("file") == "keep me");
    CHECK_THROWS_WITH(ServerThread({folder / std::string(200, 'x'), {}, {}}, handler),
                      Catch::Contains("longer than"));
    CHECK_THROWS_WITH(ServerThread({folder / "no/such/folder/socket", {}, {}}, handler),
                      Catch::Contains("No such file"));
}
