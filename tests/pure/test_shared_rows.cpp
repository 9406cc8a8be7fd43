// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "audit_fixture.hpp"
#include "fwd/audit_log.hpp"
#include "fwd/shared_rows.hpp"
#include "oracle.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

std::shared_ptr<const Ruleset> rules_of(const std::string& log) {
    const auto rules = parse_rules("rules:\n  - {name: a, action: accept, log: " + log + "}\n"
                                   "  - {name: b, action: accept, log: " + log + "}\n", "f");
    REQUIRE(rules);
    return Ruleset::compile(*rules, {}, oracle::test_environment()).value();
}

Decided connection(std::uint16_t from = 40000) {
    static const auto process = [] {
        Process made;
        made.exe = "/usr/bin/curl";
        made.pid = 7;
        return std::make_shared<const Process>(made);
    }();
    static const auto rules = rules_of("audit");
    Decided decided;
    decided.time_us = 1'800'000'000'000'000 + from;
    decided.verdict = decided.decision = Action::accept;
    decided.rule = 0;
    decided.rules = rules;
    decided.process = process;
    decided.flow.protocol = Protocol::tcp;
    decided.flow.local = address("10.1.0.1");
    decided.flow.remote = address("203.0.113.7");
    decided.flow.local_port = from;
    decided.flow.remote_port = 443;
    decided.flow.process = process.get();
    decided.interface = "eth0";
    decided.latency_ns = 1000;
    return decided;
}

struct Batch {
    SharedRows shared;
    std::vector<AuditRecord> rows;

    bool joins(Decided decided) {
        if (shared.join(decided, rows)) return true;
        rows.push_back(record_of(decided));
        return false;
    }
};

// Three of a kind, of which only the last has no row of its own.
void three(Batch& batch) {
    REQUIRE_FALSE(batch.joins(connection(1)));
    REQUIRE_FALSE(batch.joins(connection(2)));
    REQUIRE(batch.joins(connection(3)));
}

}  // namespace

TEST_CASE("the first of a kind keeps its row, the others share one") {
    Batch batch;
    three(batch);
    REQUIRE(batch.rows.size() == 2);
    CHECK(batch.rows[0] == record_of(connection(1)));
    const AuditRecord& shared = batch.rows[1];
    CHECK(is_repeat(shared));
    CHECK(shared.count == 2);
    CHECK(shared.time_us == connection(3).time_us);
    CHECK(shared.local.is_unspecified());
    CHECK(shared.local_port == 0);
    CHECK(shared.latency_ns == -1);
    CHECK(shared.evidence.interface.empty());
    CHECK(shared.pid == 7);
    batch.shared.clear();
    batch.rows.clear();
    CHECK_FALSE(batch.joins(connection(4)));
    CHECK(batch.rows[0] == record_of(connection(4)));
}

TEST_CASE("another kind is not counted in the row") {
    Batch batch;
    three(batch);
    const auto other = [&](auto change) {
        Decided decided = connection();
        change(decided);
        CHECK_FALSE(batch.joins(decided));
        CHECK(batch.rows.back() == record_of(decided));
    };
    other([](Decided& d) { d.process = std::make_shared<const Process>(*d.process), d.flow.process = d.process.get(); });
    other([](Decided& d) { d.rule = 1; });
    other([](Decided& d) { d.rule = Decision::no_rule; });
    other([](Decided& d) { d.rules = rules_of("audit"); });
    other([](Decided& d) { d.verdict = Action::drop; });
    other([](Decided& d) { d.decision = Action::drop; });
    other([](Decided& d) { d.flow.remote = address("203.0.113.8"); });
    other([](Decided& d) { d.flow.remote_port = 80; });
    other([](Decided& d) { d.flow.protocol = Protocol::udp; });
    other([](Decided& d) { d.flow.unknown = Unknown::ambiguous; });
    other([](Decided& d) { d.source = AttributionSource::cgroup; });
    other([](Decided& d) { d.host = std::make_shared<const std::string>("www.example.org"); });
    other([](Decided& d) { d.other_names = {std::make_shared<const std::string>("example.net")}; });
    other([](Decided& d) { d.content = std::make_shared<const ExecutableContent>(); });
    CHECK(batch.rows[1].count == 2);
    CHECK(batch.joins(connection()));
    CHECK(batch.rows[1].count == 3);
}

TEST_CASE("what is told one by one, or comes in, shares no row") {
    const auto never = [](auto change) {
        Batch batch;
        for (int i = 0; i < 4; ++i) {
            Decided decided = connection();
            change(decided);
            CHECK_FALSE(batch.joins(decided));
            CHECK(batch.rows.back() == record_of(decided));
        }
    };
    const auto each = rules_of("each"), journal = rules_of("journal");
    never([&](Decided& d) { d.rules = each; });
    never([&](Decided& d) { d.rules = journal; });
    never([](Decided& d) { d.flow.direction = Direction::in; });
    never([](Decided& d) { d.flow.direction = Direction::forward; });
    never([](Decided& d) { d.repeat = true, d.count = 5; });
    never([](Decided& d) { d.flow.remote = Address::v4(0); });
}

TEST_CASE("however many share a row, every decision is counted") {
    const TempFolder folder;
    constexpr int decisions = 20'000;
    {
        AuditLog::Options options;
        options.path = folder / "audit.db";
        const auto log = AuditLog::open(options);
        REQUIRE(log);
        for (int i = 0; i < decisions; ++i) REQUIRE((*log)->record(connection(static_cast<std::uint16_t>(1 + i % 60000))));
        REQUIRE((*log)->flush(std::chrono::seconds(60)));
        CHECK((*log)->counters() == AuditCounters{.accepted = decisions, .written = decisions});
    }
    CHECK(query_number(folder / "audit.db", "SELECT sum(count) FROM decisions") == decisions);
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions") < decisions / 4);
    CHECK(query_number(folder / "audit.db", "SELECT count(*) FROM decisions WHERE count > 1 AND source_port <> 0") == 0);
}
