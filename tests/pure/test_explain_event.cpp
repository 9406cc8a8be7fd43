// SPDX-License-Identifier: GPL-2.0-or-later
// A row of the log, asked again of other rules.
#include <catch2/catch.hpp>

#include "audit_fixture.hpp"
#include "cli/explain_event.hpp"
#include "cli_fixture.hpp"
#include "rule_trial.hpp"

using namespace doorward;

namespace {

AuditRecord row() {
    AuditRecord record;
    record.id = 7;
    record.decision = record.verdict = Action::accept;
    record.rule = "web";
    record.reason = "rule";
    record.protocol = Protocol::tcp;
    record.local = address("192.0.2.10");
    record.remote = address("203.0.113.7");
    record.remote_port = 443;
    record.pid = 99;
    record.exe = "/usr/bin/curl";
    record.evidence.recorded = true;
    return record;
}

EventAnswer asked(const std::string& rules) {
    return explain_event(*compiled({rules}), {}, row(), Surroundings(1000));
}

}  // namespace

TEST_CASE("an event is asked again, and what came closest is told first") {
    const auto same = asked("rules:\n  - {name: web, app: /usr/bin/curl, port: 443, action: accept}\n");
    CHECK_FALSE(same.differs(row()));
    CHECK(same.place.line == 2);
    CHECK(same.closest.empty());
    CHECK(same.not_known.empty());

    const auto other = asked("rules:\n"
                             "  - {name: a, app: /usr/bin/wget, action: accept}\n"
                             "  - {name: b, app: /usr/bin/curl, port: 80, protocol: tcp, action: accept}\n"
                             "  - {name: c, direction: in, action: accept}\n"
                             "  - {name: d, app: /usr/bin/curl, not: {port: 443}, action: accept}\n"
                             "  - {name: e, protocol: udp, action: accept}\n"
                             "  - {name: f, protocol: tcp, to: 10.0.0.0/8, action: accept}\n"
                             "  - {name: no, action: drop}\n");
    CHECK(other.differs(row()));
    CHECK(other.rule == "no");
    REQUIRE(other.closest.size() == 5);
    CHECK(other.closest[0].rule == "b");
    CHECK(other.closest[0].held == 2);
    CHECK(other.closest[0].failed == "port");
    CHECK(other.closest[1].rule == "d");
    CHECK(other.closest[1].failed == "not port");
    CHECK(other.closest[2].rule == "f");
    CHECK(other.closest[2].failed == "to");

    // The same verdict by another rule is another answer; what the log lacks is told.
    const auto renamed = asked("rules: [{name: web2, sha256: " + std::string(64, 'a') + ", action: drop}, "
                               "{name: web3, action: accept}]\n");
    CHECK(renamed.differs(row()));
    CHECK(renamed.not_known == std::vector<std::string>{"sha256"});
    CHECK(asked("rules: []\n").rule.empty());
}

TEST_CASE("doorward explain --event with nothing to explain") {
    CliFixture fixture;
    const auto missing = fixture.run({"explain", "--event", "1", "--database", fixture.folder / "none.db"});
    CHECK(missing.status == 3);
    is_one_line(missing.err);
    fixture.folder.write("text.db", "no database\n");
    CHECK(fixture.run({"explain", "--event", "1", "--database", fixture.folder / "text.db"}).status == 3);
    for (const char* event : {"0", "-1", "x"})
        CHECK(fixture.run({"explain", "--event", event}).status == 2);
    CHECK(fixture.run({"explain", "--event", "1", "--app", "/bin/true"}).status == 2);
    CHECK(fixture.run({"explain", "--event", "1", "--to", "192.0.2.1"}).status == 2);
    CHECK(fixture.run({"explain", "--app", "/bin/true", "--database", "/x"}).status == 2);
}

TEST_CASE("doorward explain --pid asks about a process that runs") {
    CliFixture fixture;
    const auto told = fixture.run({"explain", "--pid", "42", "--port", "443"});
    CHECK(told.status == 0);
    CHECK_THAT(told.out, Catch::Contains("process 42, out tcp") && Catch::Contains("accept by rule web"));
    const auto json = nlohmann::json::parse(fixture.run({"explain", "--pid", "42", "--port", "22", "--json"}).out);
    CHECK(json["rule"].is_null());
    CHECK(json["trials"][0]["held"] == 2);
    CHECK(json["trials"][0]["failed"] == "port");
    const auto none = fixture.run({"explain", "--pid", "43"});
    CHECK(none.status == 1);
    CHECK_THAT(none.err, Catch::Contains("no such process"));
    for (const char* option : {"--user", "--unit", "--rules-dir", "--app"})
        CHECK(fixture.run({"explain", "--pid", "42", option, "x"}).status == 2);
    CHECK(fixture.run({"explain", "--pid", "0"}).status == 2);
}
