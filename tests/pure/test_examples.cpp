// SPDX-License-Identifier: GPL-2.0-or-later
// The example rules load, compile, and keep a host alive under the strictest defaults.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

// Only users that every Debian has: an example with others would be refused there.
Environment debian() {
    return {[](std::string_view name) -> std::optional<std::uint32_t> {
                if (name == "root") return 0;
                if (name == "_apt") return 42;
                return std::nullopt;
            },
            [](const std::string& path) { return path; }};
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream stream(path);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::shared_ptr<const Ruleset> load(const std::string& kind) {
    const std::filesystem::path folder =
        std::filesystem::path(DOORWARD_SOURCE_DIR) / "examples" / kind / "rules.d";
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<Rule> all;
    for (const auto& file : files) {
        auto rules = parse_rules(read_file(file), file.filename());
        INFO((rules ? std::string() : rules.error().text()));
        REQUIRE(rules);
        REQUIRE_FALSE(rules->empty());
        all.insert(all.end(), rules->begin(), rules->end());
    }
    auto ruleset = Ruleset::compile(std::move(all), {Action::reject, Action::drop}, debian());
    INFO((ruleset ? std::string() : ruleset.error().text()));
    REQUIRE(ruleset);
    return *ruleset;
}

struct Attempt {
    Direction direction;
    const char* exe;  // null: sent by the kernel
    std::uint32_t uid;
    Protocol protocol;
    const char* remote;
    std::uint16_t port;
};

std::string winner(const Ruleset& ruleset, const Attempt& attempt) {
    Process process;
    process.uid = attempt.uid;
    process.exe = attempt.exe ? attempt.exe : "";
    Flow flow;
    flow.direction = attempt.direction;
    flow.protocol = attempt.protocol;
    flow.remote = Address::parse(attempt.remote).value();
    flow.local = Address::parse(flow.remote.is_v4() ? "192.0.2.1" : "fe80::2").value();
    (attempt.direction == Direction::out ? flow.remote_port : flow.local_port) = attempt.port;
    flow.process = attempt.exe ? &process : nullptr;
    flow.unknown = attempt.exe ? Unknown::none : Unknown::kernel;
    const auto decision = ruleset.decide(flow, 0);
    return std::string(action_name(decision.action)) + " " +
           (decision.rule == Decision::no_rule ? "default"
                                               : std::string(ruleset.name(decision.rule)));
}

void check_system(const Ruleset& rules) {
    const auto out = Direction::out;
    const auto in = Direction::in;
    const char* networkd = "/usr/lib/systemd/systemd-networkd";
    const char* timesyncd = "/usr/lib/systemd/systemd-timesyncd";
    CHECK(winner(rules, {out, networkd, 998, Protocol::udp, "255.255.255.255", 67}) ==
          "accept dhcp-out");
    CHECK(winner(rules, {out, networkd, 998, Protocol::udp, "ff02::1:2", 547}) ==
          "accept dhcp-out");
    CHECK(winner(rules, {in, networkd, 998, Protocol::udp, "192.0.2.254", 68}) ==
          "accept dhcp4-in");
    CHECK(winner(rules, {in, networkd, 998, Protocol::udp, "fe80::1", 546}) == "accept dhcp6-in");
    CHECK(winner(rules, {in, networkd, 998, Protocol::udp, "2001:db8::1", 546}) == "drop default");
    CHECK(winner(rules, {out, "/usr/bin/x", 1000, Protocol::udp, "192.0.2.53", 53}) ==
          "accept dns");
    CHECK(winner(rules, {out, timesyncd, 997, Protocol::udp, "203.0.113.1", 123}) == "accept ntp");
    CHECK(winner(rules, {out, "/usr/bin/x", 997, Protocol::udp, "203.0.113.1", 123}) ==
          "reject default");
    CHECK(winner(rules, {out, "/usr/lib/apt/methods/http", 42, Protocol::tcp, "203.0.113.1", 80}) ==
          "accept apt");
    CHECK(winner(rules, {out, "/usr/lib/apt/methods/http", 1000, Protocol::tcp, "203.0.113.1",
                         80}) == "reject default");
    CHECK(winner(rules, {out, nullptr, 0, Protocol::icmpv6, "ff02::16", 0}) ==
          "accept kernel-control");
    CHECK(winner(rules, {out, nullptr, 0, Protocol::tcp, "203.0.113.1", 443}) == "reject default");
}

}  // namespace

TEST_CASE("the desktop example") {
    const auto rules = load("desktop");
    check_system(*rules);
    const auto out = Direction::out;
    const char* firefox = "/usr/lib/firefox-esr/firefox-esr";
    CHECK(winner(*rules, {out, firefox, 1000, Protocol::udp, "203.0.113.1", 443}) ==
          "accept browser");
    CHECK(winner(*rules, {out, firefox, 1000, Protocol::tcp, "203.0.113.1", 22}) ==
          "reject default");
    CHECK(winner(*rules, {out, "/usr/bin/ssh", 1000, Protocol::tcp, "203.0.113.1", 22}) ==
          "accept ssh-out");
    CHECK(winner(*rules, {out, "/usr/bin/ping", 1000, Protocol::icmp, "203.0.113.1", 0}) ==
          "accept ping-out");
    CHECK(winner(*rules, {out, "/home/alice/x", 1000, Protocol::tcp, "203.0.113.1", 443}) ==
          "reject home-programs");
    CHECK(winner(*rules, {Direction::in, "/usr/sbin/sshd", 0, Protocol::tcp, "203.0.113.1", 22}) ==
          "drop default");
}

TEST_CASE("the server example") {
    const auto rules = load("server");
    check_system(*rules);
    const auto in = Direction::in;
    const auto out = Direction::out;
    CHECK(winner(*rules, {in, "/usr/sbin/sshd", 0, Protocol::tcp, "203.0.113.1", 22}) ==
          "accept ssh-in");
    CHECK(winner(*rules, {in, "/usr/sbin/nginx", 0, Protocol::tcp, "203.0.113.1", 443}) ==
          "accept web-in");
    CHECK(winner(*rules, {in, "/usr/bin/nc", 0, Protocol::tcp, "203.0.113.1", 443}) ==
          "drop default");
    CHECK(winner(*rules, {out, "/usr/sbin/nginx", 33, Protocol::tcp, "203.0.113.1", 443}) ==
          "drop web-server-calls-out");
    CHECK(winner(*rules, {out, "/usr/bin/curl", 33, Protocol::tcp, "203.0.113.1", 443}) ==
          "reject default");
    CHECK(winner(*rules, {out, "/usr/bin/curl", 0, Protocol::tcp, "203.0.113.1", 443}) ==
          "accept admin-tools");
}

TEST_CASE("the examples of the manual") {
    constexpr std::string_view begin = ".Bd -literal -offset indent\n";
    const auto page =
        read_file(std::filesystem::path(DOORWARD_SOURCE_DIR) / "docs/man/doorward-rules.5");
    int examples = 0;
    for (auto at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
        at += begin.size();
        const auto text = page.substr(at, page.find(".Ed", at) - at);
        INFO(text);
        const auto pack = parse_rule_pack(text, "example");
        INFO((pack ? std::string() : pack.error().text()));
        REQUIRE(pack);
        Environment environment = debian();
        environment.read_list = [](const std::string&, SetKind) {
            return std::make_shared<const ListedValues>();
        };
        const auto ruleset = Ruleset::compile({*pack}, {}, environment);
        INFO((ruleset ? std::string() : ruleset.error().text()));
        CHECK(ruleset);
        ++examples;
    }
    CHECK(examples == 14);
}
