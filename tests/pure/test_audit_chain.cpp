// SPDX-License-Identifier: GPL-2.0-or-later
// The chain through the audit log: what is tampered with is found.
#include <fstream>

#include "tests/pure/audit_chain_fixture.hpp"

using namespace doorward;
using Catch::Matchers::Contains;

TEST_CASE("a link's hash is what it has always been") {
    Sha256 before;
    for (std::size_t i = 0; i < before.size(); ++i) before[i] = static_cast<std::uint8_t>(i);
    const std::uint8_t bytes[] = {0, 0xff};
    LinkContent content;
    content.begin(before, LinkKind::row);
    content.number(1);
    content.null();
    content.text("accept");
    content.blob(bytes);
    content.number(-2);
    CHECK(to_hex(content.hash()) == "ef6fec028df8fb717c45217df3fa83be2f7f3ff462ca9b80b2c1f07b3568b356");
}

TEST_CASE("a change of any column of any row is found at that row") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    write_ten(path);
    REQUIRE_FALSE(verified(path).fault);
    const std::string copy = folder / "copy.db";
    for (const std::string& column : columns_of(path, "decisions")) {
        if (column == "id") continue;
        for (const char* value : {"CASE typeof($) WHEN 'integer' THEN $ + 1 WHEN 'text' THEN $ || 'x' ELSE x'00' END",
                                  "CASE typeof($) WHEN 'integer' THEN x'01' WHEN 'text' THEN CAST($ AS BLOB) ELSE 'x' END"}) {
            std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
            std::string change(value);
            for (std::size_t at; (at = change.find('$')) != change.npos;) change.replace(at, 1, column);
            sql(copy, "UPDATE decisions SET " + column + " = " + change + " WHERE id = 7");
            INFO(column << " = " << change);
            CHECK(fault_row(copy) == 7);
        }
    }
    for (const std::string& column : columns_of(path, "events")) {
        std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
        const std::string last = "(SELECT max(id) FROM events)";
        sql(copy, "UPDATE events SET " + column + " = CASE WHEN typeof(" + column + ") = 'integer' THEN " + column +
                      " + 1 ELSE x'00' END WHERE id = " + last);
        INFO(column);
        CHECK(verified(copy).fault);
    }
}

TEST_CASE("rows that are taken out, put in, or moved are found") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    write_ten(path);
    const ChainHead head = verified(path).head;
    const std::string renumbered = "UPDATE decisions SET id = id - 1 WHERE id > ";
    const std::string all_but_id = [&] {
        std::string names;
        for (const std::string& column : columns_of(path, "decisions"))
            if (column != "id") names += "," + column;
        return names;
    }();
    const auto copied = [&](const std::string& from, const std::string& to) {
        return "INSERT INTO decisions (id" + all_but_id + ") SELECT " + to + all_but_id +
               " FROM decisions WHERE id = " + from;
    };
    const std::pair<std::string, std::int64_t> changes[] = {
        {"DELETE FROM decisions WHERE id = 1", 1},
        {"DELETE FROM decisions WHERE id = 6", 6},
        {"DELETE FROM decisions WHERE id = 5; " + renumbered + "5", 5},
        {"DELETE FROM decisions WHERE id IN (5, 6)", 5},
        {"DELETE FROM decisions WHERE id = 10", 10},  // an event stands behind it
        {"DELETE FROM decisions", 1},
        {copied("3", "11"), 11},
        {copied("3", "0"), 0},
        {copied("3", "-5"), -5},
        {"UPDATE decisions SET id = id + 1000 WHERE id > 4; UPDATE decisions SET id = id - 999 WHERE id > 4; " +
             copied("3", "5"), 5},
        {"UPDATE decisions SET id = 99 WHERE id = 3; UPDATE decisions SET id = 3 WHERE id = 4;"
         "UPDATE decisions SET id = 4 WHERE id = 99", 3},
        {"UPDATE decisions SET chain = (SELECT chain FROM decisions WHERE id = 3) WHERE id = 4", 4},
        {"UPDATE decisions SET chain = NULL WHERE id = 4", 4},
        {"DELETE FROM events", 0},
        {"DELETE FROM events WHERE id = 1", 0},
        {"DELETE FROM events WHERE id = 2", 1},
        {"DELETE FROM events WHERE id = 3", 5},
        {"INSERT INTO events SELECT 0, 0, time_us, kind, upto, rows, base, chain FROM events WHERE id = 1", 0},
        {"CREATE TRIGGER t AFTER INSERT ON decisions BEGIN DELETE FROM decisions WHERE pid = 1; END", 0},
    };
    const std::string copy = folder / "copy.db";
    for (const auto& [change, row] : changes) {
        std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
        sql(copy, change);
        INFO(change);
        CHECK(fault_row(copy) == row);
    }
    CHECK(verified(path, head).sought == SoughtHead::found);
}

TEST_CASE("an end that was noted shows that the log is shorter, or another") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    std::vector<ChainHead> heads;
    {
        Told told(path);
        for (int i = 0; i < 4; ++i) {
            REQUIRE(told.store->insert(records(5, (10 + i) * day_us)));
            heads.push_back(told.store->anchor().value());
        }
    }
    for (const ChainHead& head : heads) CHECK(verified(path, head).sought == SoughtHead::found);
    ChainHead other = heads[1];
    other.hash[31] ^= 1;
    CHECK(verified(path, other).sought == SoughtHead::missing);
    CHECK(verified(path, other).fault.value().row == 10);
    {
        Told told(path);
        REQUIRE(told.store->prune({.days = 28, .megabytes = 512}, 40 * day_us));  // rows of days 10 and 11
        CHECK(query_number(path, "SELECT min(id) FROM decisions") == 11);
    }
    CHECK(verified(path, heads[0]).sought == SoughtHead::removed);
    CHECK(verified(path, heads[1]).sought == SoughtHead::found);  // the last link that went
    CHECK(verified(path, heads[2]).sought == SoughtHead::found);
    const auto report = verified(path);
    CHECK_FALSE(report.fault);
    CHECK(report.removed_upto == 10);
    CHECK(report.removed_us == 40 * day_us);
    CHECK(report.first == 11);
}

TEST_CASE("what is cut off at the end is found by an end that was noted, and by a daemon that knew it") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    ChainHead noted;
    {
        Told told(path);
        REQUIRE(told.store->insert(records(10, 10 * day_us)));
        noted = told.store->anchor().value();
        sql(path, "DELETE FROM decisions WHERE id > 8");
        CHECK_FALSE(verified(path).fault);  // nothing in the file tells
        const auto report = verified(path, noted);
        CHECK(report.sought == SoughtHead::missing);
        CHECK(report.fault.value().row == 10);
        CHECK_THAT(report.fault->what, Contains("ends with row 8"));

        REQUIRE(told.store->insert(records(3, 10 * day_us)));
        REQUIRE(told.messages.size() == 1);
        CHECK_THAT(told.messages[0], Contains("CHANGED BY ANOTHER HAND") && Contains(to_text(noted)));
    }
    CHECK(verified(path, noted).fault.value().row == 10);
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == 11);
}

TEST_CASE("a log that was tampered with is continued, loudly, and stays so") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    write_ten(path);
    std::string words = "NOT AS IT WAS WRITTEN";
    std::int64_t row = 0;
    SECTION("a row is another") { sql(path, "UPDATE decisions SET exe = '/bin/true' WHERE id = 4"), row = 4; }
    SECTION("a row is gone") { sql(path, "DELETE FROM decisions WHERE id = 4"), row = 4; }
    SECTION("the newest row is gone") { sql(path, "DELETE FROM decisions WHERE id = 10"), row = 10; }
    SECTION("the newest hash is none") { sql(path, "UPDATE decisions SET chain = 7 WHERE id = 10"), row = 10; }
    SECTION("all rows are gone") { sql(path, "DELETE FROM decisions"), row = 1; }
    SECTION("the events are gone") { sql(path, "DELETE FROM events"); }
    for (int start = 0; start < 2; ++start) {
        Told told(path);
        REQUIRE(told.messages.size() == 1);
        CHECK_THAT(told.messages[0], Contains(words));
        REQUIRE(told.store->insert(records(3, 10 * day_us)));
        CHECK(told.messages.size() == 1);
        CHECK(fault_row(path) == row);
    }
    CHECK(query_number(path, "SELECT count(*) FROM decisions WHERE id > 10") == 6);
}

TEST_CASE("a hash before the chain begins is a fault") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    write_ten(path);
    sql(path, "UPDATE events SET after_id = 5 WHERE kind = 'begun'");
    CHECK(fault_row(path) == 1);
}

TEST_CASE("files that are cut off, or of others, do not pass for a log that verifies") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        Told told(path);
        REQUIRE(told.store->insert(records(3000, 10 * day_us)));
    }
    SECTION("half of the file") {
        std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2 / 4096 * 4096);
        auto reader = AuditReader::open(path);
        if (reader) CHECK(reader->verify({}).value().fault);
    }
    SECTION("a page of it overwritten") {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 * 40);
        file << std::string(4096, '\x5a');
        file.close();
        CHECK(fault_row(path));
    }
    SECTION("without a table of it") {
        sql(path, "DROP TABLE events");
        CHECK(fault_row(path));
    }
    SECTION("without a column of it") {
        sql(path, "ALTER TABLE decisions DROP COLUMN verity");
        CHECK(fault_row(path));
    }
    SECTION("of another program") {
        sql(path, "PRAGMA application_id = 5");
        CHECK_FALSE(AuditReader::open(path));
    }
}

TEST_CASE("an end of a chain reads as it is written") {
    ChainHead head{1234, {}};
    head.hash[0] = 0xab;
    CHECK(to_text(head).starts_with("1234:ab00"));
    CHECK(parse_chain_head(to_text(head)).value() == head);
    for (const char* bad : {"", ":", "12", "12:", "12:ab", "x:", "-1:", "12 :"}) {
        const std::string text = std::string(bad).size() > 2 ? bad : bad + std::string(64, 'a');
        INFO(text);
        CHECK_FALSE(parse_chain_head(text));
    }
}
