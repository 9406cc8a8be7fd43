// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "cli/flow_filter.hpp"
#include "cli/log_options.hpp"
#include "fwd/control_json.hpp"

using namespace doorward;

namespace {

OpenFlow flow_of(Direction direction) {
    OpenFlow flow;
    flow.direction = direction;
    flow.protocol = Protocol::tcp;
    flow.local = *Address::parse("192.0.2.1");
    flow.remote = *Address::parse("198.51.100.7");
    flow.local_port = 4000;
    flow.remote_port = 443;
    flow.exe = "/tmp/.mount_Foo/usr/bin/foo";
    flow.appimage = "/opt/Foo.AppImage";
    flow.pid = 99;
    flow.uid = 0;
    flow.user = "root";
    flow.unit = "foo.service";
    flow.container = "docker:web";
    flow.script = "/opt/run.py";
    flow.injected = "preload,tracer?";
    flow.host = "WWW.Example.org";
    flow.rule = "web";
    return flow;
}

bool found(const LogOptions& options, const OpenFlow& flow) {
    const auto filter = make_filter(options, 0);
    REQUIRE(filter);
    return matches(*filter, flow);
}

}  // namespace

TEST_CASE("an open flow is chosen by the filters of the log, each of which must be met") {
    const OpenFlow flow = flow_of(Direction::out);
    std::string LogOptions::*option = nullptr;
    std::string yes, no;
    std::tie(option, yes, no) = GENERATE(table<std::string LogOptions::*, std::string, std::string>({
        {&LogOptions::app, "foo", "oo"},
        {&LogOptions::app, "/opt/Foo.AppImage", "/opt/Foo"},
        {&LogOptions::app, "/tmp/**", "/opt/*/**"},
        {&LogOptions::app, "Foo.AppImage", "unknown"},
        {&LogOptions::to, "198.51.100.0/24", "192.0.2.1"},
        {&LogOptions::to, "example.org", "xample.org"},
        {&LogOptions::to, "www.example.org", "a.www.example.org"},
        {&LogOptions::from, "192.0.2.1", "198.51.100.7"},
        {&LogOptions::port, "443", "4000"},
        {&LogOptions::user, "root", "alice"},
        {&LogOptions::user, "0", "1"},
        {&LogOptions::rule, "web", "we"},
        {&LogOptions::unit, "foo.*", "foo"},
        {&LogOptions::container, "docker:*", "podman:*"},
        {&LogOptions::script, "/opt/run.py", "/opt"},
        {&LogOptions::injected, "preload", "library-path"},
        {&LogOptions::injected, "any", "tracer"},
        {&LogOptions::pid, "99", "9"},
    }));
    INFO(yes << ", not " << no);
    LogOptions options;
    options.*option = yes;
    CHECK(has_log_filter(options));
    CHECK(found(options, flow));
    options.rule = "web";
    CHECK(found(options, flow));
    options.*option = no;
    CHECK_FALSE(found(options, flow));
    LogOptions other;
    other.*option = yes;
    (option == &LogOptions::pid ? other.rule : other.pid) = "8";
    CHECK_FALSE(found(other, flow));
}

TEST_CASE("of flows that come in, this host is the destination and has no name") {
    const OpenFlow flow = flow_of(Direction::in);
    LogOptions options;
    options.to = "192.0.2.1";
    options.from = "198.51.100.7";
    options.port = "4000";
    CHECK(found(options, flow));
    options.port = "443";
    CHECK_FALSE(found(options, flow));
    LogOptions named;
    named.to = "example.org";
    CHECK_FALSE(found(named, flow));
    named.to.clear();
    named.from = "example.org";
    CHECK(found(named, flow));
}

TEST_CASE("a flow without a process is nobody's, not root's") {
    OpenFlow flow;
    flow.protocol = Protocol::udp;
    flow.unknown = "no-binding";
    LogOptions options;
    CHECK_FALSE(has_log_filter(options));
    options.app = "unknown";
    CHECK(found(options, flow));
    options.app = "unknown:no-binding";
    CHECK(found(options, flow));
    options.app = "unknown:kernel";
    CHECK_FALSE(found(options, flow));
    LogOptions root;
    root.user = "0";
    CHECK_FALSE(found(root, flow));
    CHECK_FALSE(found(root, OpenFlow{}));
    const nlohmann::json told = flow;
    CHECK(told.at("pid").is_null());
    CHECK(told.at("uid").is_null());
}

TEST_CASE("open flows are chosen by what the rules say of them, and by when") {
    OpenFlow flow = flow_of(Direction::out);
    flow.time_us = 1'000'000;
    LogOptions options;
    options.denied = true;
    CHECK(has_log_filter(options));
    CHECK_FALSE(found(options, flow));
    flow.decision = Action::drop;  // observe mode
    CHECK(found(options, flow));
    options.verdicts = {"accept"};
    CHECK(found(options, flow));
    options.verdicts = {"drop", "reject"};
    CHECK_FALSE(found(options, flow));
    LogOptions times;
    times.since = "1970-01-01T00:00:01Z";
    times.until = "1970-01-01T00:00:02Z";
    CHECK(found(times, flow));
    times.until = times.since;
    CHECK_FALSE(found(times, flow));
    times.until.clear();
    flow.time_us = 999'999;
    CHECK_FALSE(found(times, flow));
}
