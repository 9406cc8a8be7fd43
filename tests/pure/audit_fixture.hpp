// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the audit log share: a folder of their own, records, and a second look at a
// file.
#pragma once

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "fwd/audit_record.hpp"
#include "fwd/sqlite.hpp"
#include "temp_folder.hpp"

namespace doorward {

inline Address address(const char* text) {
    const auto parsed = Address::parse(text);
    REQUIRE(parsed);
    return *parsed;
}

// Every field set, each to another value.
inline AuditRecord full_record() {
    AuditRecord record;
    record.time_us = 1'800'000'000'000'123;
    record.verdict = Action::accept;
    record.decision = Action::reject;
    record.rule = "no-curl";
    record.reason = "rule";
    record.direction = Direction::out;
    record.protocol = Protocol::tcp;
    record.local = address("10.1.0.1");
    record.remote = address("203.0.113.7");
    record.local_port = 40000;
    record.remote_port = 443;
    record.host = "www.example.org";
    record.pid = 4242;
    record.start_ns = 123'456'789'012;
    record.exec_id = 3;
    record.uid = 1000;
    record.user = "alice";
    record.exe = "/usr/bin/curl";
    record.appimage = "/srv/apps/Tool.AppImage";
    record.exe_device = 0xfe00001;
    record.exe_inode = 0xffff'ffff'ffff'fff1;
    record.command_line = "curl -s https://www.example.org/";
    record.working_directory = "/home/alice";
    record.parent_pid = 4000;
    record.parent_exe = "/usr/bin/bash";
    record.cgroup_id = 77;
    record.unit = "session-2.scope";
    record.gid = 1001;
    record.slice = "user-1000.slice";
    record.container = "docker:0123";
    record.sha256 = std::string(64, 'a');
    record.package = "curl";
    record.unread = NoContent::changed;
    record.script = "/opt/backup/run.py";
    record.script_device = 0x801;
    record.script_inode = 4711;
    record.ancestors = {"/usr/bin/bash", "", "/usr/sbin/ssh\nd"};
    record.mount_namespace = 4026531841;
    record.source = AttributionSource::kprobe;
    record.latency_ns = 25'000;
    record.evidence = {.recorded = true, .interface = "eth0",
                       .names = {"www.example.org", "cdn.example.net"}, .group_known = true,
                       .units = {"user@1000.service", "session-2.scope"},
                       .slices = {"user.slice", "user-1000.slice"}, .ancestors_whole = true,
                       .asked = {Fact::sha256, Fact::package}, .verity = "sha256:ab",
                       .injected = Injections{.found = 1, .unknown = 2}};
    record.log = LogLevel::journal;
    record.count = 2;
    return record;
}

// What a query yields for the file as it is now, by a connection of its own.
inline std::int64_t query_number(const std::string& path, const std::string& sql) {
    const auto database = sqlite::open(path, SQLITE_OPEN_READWRITE, 2000);
    REQUIRE(database);
    const auto value = sqlite::number(database->get(), sql, "test");
    INFO(sql);
    if (!value) FAIL(value.error().text());
    return *value;
}

inline std::string query_text(const std::string& path, const std::string& sql) {
    const auto database = sqlite::open(path, SQLITE_OPEN_READWRITE, 2000);
    REQUIRE(database);
    auto statement = sqlite::Statement::prepare(database->get(), sql, "test");
    REQUIRE(statement);
    REQUIRE(statement->step().value_or(false));
    return std::string(statement->column_text(0));
}

}  // namespace doorward
