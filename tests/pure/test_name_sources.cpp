// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "fwd/name_sources.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

struct Fixture {
    TempFolder folder;
    DnsConfig config;

    std::string path(const char* name) const { return folder / name; }
    // By another file in its place, as those do who write such files.
    void write(const char* name, const std::string& text) {
        std::ofstream(path("new")) << text;
        std::filesystem::rename(path("new"), path(name));
    }
};

std::string servers(const NameSources& sources) {
    std::string out;
    for (const Address& server : sources.resolvers()) out += server.to_string() + " ";
    return out;
}

}  // namespace

TEST_CASE("resolvers come from addresses and files, in order, each once") {
    Fixture fixture;
    fixture.write("resolv.conf", "nameserver 127.0.0.53\nnameserver 192.0.2.1\n");
    fixture.config.resolvers = {"192.0.2.1", fixture.path("resolv.conf"), fixture.path("not-there"),
                                "2001:db8::53"};
    fixture.config.hosts_file = fixture.path("hosts");
    NameSources sources(fixture.config);
    CHECK(sources.refresh());
    CHECK(servers(sources) == "192.0.2.1 127.0.0.53 2001:db8::53 ");
    CHECK_FALSE(sources.refresh());
}

TEST_CASE("files are read again when they change, come and go") {
    Fixture fixture;
    fixture.config.resolvers = {fixture.path("resolv.conf")};
    fixture.config.hosts_file = fixture.path("hosts");
    NameSources sources(fixture.config);
    CHECK(sources.refresh());
    CHECK(servers(sources) == "");
    fixture.write("resolv.conf", "nameserver 192.0.2.1\n");
    CHECK(sources.refresh());
    CHECK(servers(sources) == "192.0.2.1 ");
    fixture.write("resolv.conf", "options edns0\n");
    CHECK(sources.refresh());
    CHECK(servers(sources) == "127.0.0.1 ");  // what a file without a server means
    std::filesystem::remove(fixture.path("resolv.conf"));
    CHECK(sources.refresh());
    CHECK(servers(sources) == "");
    fixture.write("hosts", "192.0.2.7 printer\n");
    CHECK(sources.refresh());
    CHECK(sources.hosts()->names() == 1);
    fixture.write("hosts", "192.0.2.7 printer laser\n");
    CHECK(sources.refresh());
    CHECK(sources.hosts()->names() == 2);
    std::filesystem::remove(fixture.path("hosts"));
    CHECK(sources.refresh());
    CHECK(sources.hosts()->names() == 0);
    CHECK_FALSE(sources.refresh());
}

TEST_CASE("what is no file, and what is too large, says nothing") {
    Fixture fixture;
    fixture.config.resolvers = {fixture.path("resolv.conf")};
    fixture.config.hosts_file = fixture.path("hosts");
    std::filesystem::create_directory(fixture.path("resolv.conf"));
    fixture.write("hosts", "192.0.2.7 printer\n");
    std::filesystem::resize_file(fixture.path("hosts"), (16 << 20) + 1);
    NameSources sources(fixture.config);
    CHECK(sources.refresh());
    CHECK(servers(sources) == "");
    CHECK(sources.hosts()->names() == 0);
    REQUIRE(sources.problems().size() == 1);
    CHECK(sources.problems().front().find("hosts has 16777217 bytes") != std::string::npos);
    CHECK_FALSE(sources.refresh());
    CHECK(sources.problems().empty());
}

TEST_CASE("switched off, nobody is believed; whom this host asks is known all the same") {
    Fixture fixture;
    fixture.write("resolv.conf", "nameserver 192.0.2.1\n");
    fixture.config.enabled = false;
    fixture.config.resolvers = {fixture.path("resolv.conf"), "192.0.2.2"};
    NameSources sources(fixture.config);
    fixture.write("hosts", "192.0.2.7 a.example\n");
    fixture.config.hosts_file = fixture.path("hosts");
    CHECK(sources.refresh());
    CHECK(servers(sources) == "");
    CHECK(sources.hosts()->names() == 0);
    CHECK(sources.servers().size() == 2);
    CHECK_FALSE(sources.refresh());
}

TEST_CASE("domains to search are those of all files, each once") {
    Fixture fixture;
    fixture.write("one", "search b.example a.example\n");
    fixture.write("two", "domain a.example\nnameserver 192.0.2.1\n");
    fixture.config.resolvers = {fixture.path("one"), "192.0.2.2", fixture.path("two")};
    NameSources sources(fixture.config);
    sources.refresh();
    CHECK(sources.search_domains() == std::vector<std::string>{"a.example", "b.example"});
    fixture.write("one", "nameserver 192.0.2.1\n# nothing to search\n");
    CHECK(sources.refresh());
    CHECK(sources.search_domains() == std::vector<std::string>{"a.example"});
}

TEST_CASE("more resolvers than the kernel's table holds are told of") {
    Fixture fixture;
    fixture.config.hosts_file = fixture.path("hosts");
    fixture.config.resolvers.clear();
    for (int i = 1; i <= 65; ++i)
        fixture.config.resolvers.push_back("192.0.2." + std::to_string(i));
    NameSources sources(fixture.config);
    sources.refresh();
    CHECK(sources.resolvers().size() == 64);
    CHECK(sources.problems().size() == 1);
}
