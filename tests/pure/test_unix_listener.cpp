// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "control_client.hpp"

using namespace doorward;

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
        REQUIRE(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
    }
    {
        ServerThread first({path, {}, {}}, handler);
        CHECK_THROWS_WITH(ServerThread({path, {}, {}}, handler),
                          Catch::Contains("another daemon listens on " + path));
        const Fd client = connect_to(path);
        CHECK((send_to(client, encode(Call{"a.B"})) && receive(client)));
    }
    folder.write("file", "keep me");
    CHECK_THROWS_WITH(ServerThread({folder / "file", {}, {}}, handler),
                      Catch::Contains("no socket"));
    CHECK(folder.read("file") == "keep me");
    CHECK_THROWS_WITH(ServerThread({folder / std::string(200, 'x'), {}, {}}, handler),
                      Catch::Contains("longer than"));
    CHECK_THROWS_WITH(ServerThread({folder / "no/such/folder/socket", {}, {}}, handler),
                      Catch::Contains("No such file"));
}
