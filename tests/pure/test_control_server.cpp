// SPDX-License-Identifier: GPL-2.0-or-later
// Calls, limits and bad behaviour on the control socket.
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "control_client.hpp"

using namespace doorward;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("calls are answered one after the other on one connection") {
    ServerFixture fixture({}, {.read = ::getgid(), .change = ::getgid()});
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
    ServerFixture fixture({}, {.read = {}, .change = ::getgid()});
    const Fd client = fixture.connect();
    Call call{"org.doorward.Control.SetMode", {{"mode", "enforce"}}};
    call.oneway = true;
    REQUIRE(send_to(client, encode(call) + status_call));
    CHECK(receive(client)->parameters["status"]["mode"] == "enforce");
}

TEST_CASE("what is no call is answered once, then the connection ends") {
    ServerFixture fixture;
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
    ServerFixture fixture(limits);
    const Fd client = fixture.connect();
    REQUIRE(send_to(client, std::string(1001, ' ')));
    CHECK(error_of(receive(client)) == "ProtocolError");
    CHECK(hung_up(client));
}

TEST_CASE("an answer that is too long becomes an error") {
    ControlLimits limits;
    limits.reply_bytes = 300;
    ServerFixture fixture(limits, {.read = ::getgid(), .change = {}});
    const Fd client = fixture.connect();
    REQUIRE(send_to(client, status_call));
    const auto reply = receive(client);
    CHECK(error_of(reply) == "Failed");
    CHECK_THAT(reply->parameters["message"].get<std::string>(), Catch::Contains("longer than 300"));
}

TEST_CASE("who stalls in the middle of a call is cut off, who keeps calling is not") {
    ControlLimits limits;
    limits.stalled = 1s;
    ServerFixture fixture(limits, {.read = ::getgid(), .change = {}});
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
    const auto answer = [&](const Call& call, Access) -> Reply {
        return call.method == "a.Large" ? Reply{"", large} : Reply{};
    };
    ServerThread server({folder / "control.sock", {}, limits}, answer);
    const Fd lazy = connect_to(folder / "control.sock");
    REQUIRE(send_to(lazy, encode(Call{"a.Large"})));
    const Fd other = connect_to(folder / "control.sock");
    REQUIRE((send_to(other, encode(Call{"a.Small"})) && receive(other)));
    std::this_thread::sleep_for(3s);
    CHECK_FALSE(receive(lazy));  // what the socket still held, and then the end
    // The same answer arrives whole when it is read, if only as fast as a busy machine can.
    ServerThread patient({folder / "patient.sock", {}, {}}, answer);
    const Fd reader = connect_to(folder / "patient.sock");
    REQUIRE(send_to(reader, encode(Call{"a.Large"})));
    const auto reply = receive(reader);
    REQUIRE(reply);
    CHECK((reply->parameters == large));
}

TEST_CASE("who hangs up in the middle of anything harms nobody") {
    ServerFixture fixture({}, {.read = ::getgid(), .change = {}});
    for (std::size_t length = 0; length <= status_call.size(); length += 7) {
        const Fd client = fixture.connect();
        send_to(client, std::string_view(status_call).substr(0, length));
    }
    const Fd client = fixture.connect();
    CHECK((send_to(client, status_call) && error_of(receive(client)).empty()));
}
