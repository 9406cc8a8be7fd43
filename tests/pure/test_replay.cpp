// SPDX-License-Identifier: GPL-2.0-or-later
#include "audit_fixture.hpp"
#include "cli/replay.hpp"
#include "fwd/recorded_flow.hpp"
#include "rules/yaml_rules.hpp"

#include <catch2/catch.hpp>

using namespace doorward;

namespace {

std::shared_ptr<const Ruleset> rules(const std::string& text) {
    auto pack = parse_rule_pack("rules:\n" + text, "test.yaml");
    INFO((pack ? std::string() : pack.error().text()));
    REQUIRE(pack);
    auto compiled = Ruleset::compile({*pack}, Defaults{}, {});
    INFO((compiled ? std::string() : compiled.error().text()));
    REQUIRE(compiled);
    return *compiled;
}

const Network home{.lan = {*Prefix::parse("203.0.113.0/24")}, .self = {}, .dns = {}, .gateways = {},
                   .interfaces = {}, .domains = {}};

// What the rules would make of the row, or what the log lacks.
std::string replayed(const std::string& text, const AuditRecord& record, const Network* network = &home) {
    Replay replay(rules(text), network, 2'000'000'000);
    replay.add(record);
    REQUIRE(replay.rows() == 1);
    const auto groups = replay.groups();
    if (groups.empty()) return "alike";
    REQUIRE(groups.size() == 1);
    return groups[0].missing.empty() ? std::string(action_name(groups[0].after)) + " by " + groups[0].rule_after
                                     : groups[0].missing;
}

std::string rule(const std::string& conditions) {
    return "  - {name: r, action: accept, " + conditions + "}\n";
}

}  // namespace

TEST_CASE("a row is decided again by all that it says") {
    const AuditRecord record = full_record();  // the rules said: reject
    const std::string met = GENERATE(
        as<std::string>(), "app: /usr/bin/curl", "app: /srv/apps/Tool.AppImage", "user: 1000", "group: 1001",
        "to: 203.0.113.7", "from: 10.1.0.1", "port: 443", "protocol: tcp", "direction: out",
        "unit: session-2.scope", "unit: user@1000.service", "slice: user.slice", "container: docker:0123*",
        "app: /usr/bin/curl, script: /opt/backup/run.py", "parent: /usr/bin/bash", "domain: www.example.org",
        "domain: cdn.example.net", "interface: eth0", "package: curl", "to: lan",
        "not: {parent: /usr/bin/zsh}", "when: thu-sat", "sha256: " + std::string(64, 'a'));
    CAPTURE(met);
    // A record whose file could not be read has no digest; this one was.
    AuditRecord read = record;
    read.unread = NoContent::none;
    // 2027-01-15 was a Friday, give or take a day by this host's clock.
    CHECK(replayed(rule(met), read) == "accept by r");
}

TEST_CASE("what does not match decides nothing about a row") {
    const std::string unmet = GENERATE(
        as<std::string>(), "app: /usr/bin/wget", "user: 0", "group: 1", "to: 203.0.113.8", "from: 10.1.0.2", "port: 80",
        "protocol: udp", "direction: in", "unit: ssh.service", "slice: system.slice",
        "container: docker:9*", "app: /usr/bin/curl, script: /opt/x", "parent: /usr/bin/zsh", "domain: example.org",
        "interface: eth1", "package: wget", "to: private", "when: mon", "sha256: " + std::string(64, 'b'),
        "not: {parent: /usr/bin/bash}", "app: unknown");
    CAPTURE(unmet);
    CHECK(replayed(rule(unmet), full_record()) == "alike");
}

TEST_CASE("a row of a process that is not known") {
    AuditRecord record;
    record.unknown = Unknown::no_binding;
    record.decision = record.verdict = Action::reject;
    record.protocol = Protocol::udp;
    record.remote = address("192.0.2.1");
    record.remote_port = 53;
    record.evidence.recorded = true;
    CHECK(replayed(rule("app: unknown:no-binding"), record) == "accept by r");
    CHECK(replayed(rule("app: unknown:kernel"), record) == "alike");
    CHECK(replayed(rule("app: /usr/bin/curl"), record) == "alike");
    CHECK(replayed(rule("sha256: " + std::string(64, 'a')), record) == "alike");
}

TEST_CASE("what the log does not know is not guessed") {
    AuditRecord record = full_record();
    record.evidence.asked = {};
    record.sha256.clear();
    CHECK(replayed(rule("sha256: " + std::string(64, 'a')), record) == "sha256");
    CHECK(replayed(rule("package: curl"), record) == "package");
    CHECK(replayed(rule("verity: sha256:" + std::string(64, 'a')), record) == "verity");
    // Nobody asks for the digest of another program.
    CHECK(replayed(rule("app: /usr/bin/wget, sha256: " + std::string(64, 'a')), record) == "alike");
    CHECK(replayed(rule("to: lan"), record, nullptr) == "network");
    record.evidence = {};  // of an older version
    CHECK(replayed(rule("interface: eth0"), record) == "interface");
    CHECK(replayed(rule("domain: cdn.example.net"), record) == "domain");
    CHECK(replayed(rule("unit: session-2.scope"), record) == "unit, slice and container");
    CHECK(replayed(rule("app: /usr/bin/curl"), record) == "accept by r");
}

TEST_CASE("a rule that has expired by now decides nothing, whenever the row was written") {
    CHECK(replayed(rule("expires: 2028-01-01T00:00:00Z"), full_record()) == "alike");
    CHECK(replayed(rule("expires: 2038-01-01T00:00:00Z"), full_record()) == "accept by r");
}

TEST_CASE("rows are counted for what they stand for, and grouped") {
    Replay replay(rules(rule("app: /usr/bin/curl")), nullptr, 2'000'000'000);
    AuditRecord record = full_record();  // count is 2
    for (record.id = 1; record.id <= 3; ++record.id) replay.add(record);
    AuditRecord other = full_record();
    other.exe = "/usr/bin/wget";
    other.appimage.clear();
    replay.add(other);
    AuditRecord loss;
    loss.reason = audit_loss;
    loss.count = 12;
    replay.add(loss);
    CHECK(replay.rows() == 4);
    CHECK(replay.flows() == 8);
    CHECK(replay.changed() == 6);
    CHECK(replay.alike() == 2);
    CHECK(replay.skipped() == 1);
    const auto groups = replay.groups();
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].flows == 6);
    CHECK(groups[0].example == 3);
    CHECK(groups[0].rule_before == "no-curl");
    CHECK(groups[0].destination == "203.0.113.7:443 www.example.org");
}

TEST_CASE("programs that choose their paths make no more than so many groups") {
    Replay replay(rules(rule("user: 1000")), nullptr, 2'000'000'000);
    AuditRecord record = full_record();
    record.appimage.clear();
    record.script.clear();
    record.count = 1;
    for (std::size_t i = 0; i < Replay::most_groups + 5; ++i) {
        record.exe = "/tmp/" + std::to_string(i);
        replay.add(record);
    }
    CHECK(replay.groups().size() == Replay::most_groups);
    CHECK(replay.ungrouped() == 5);
    CHECK(replay.changed() == Replay::most_groups + 5);
}
