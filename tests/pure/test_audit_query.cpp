// SPDX-License-Identifier: GPL-2.0-or-later
#include <fstream>

#include "fwd/audit_file.hpp"
#include "fwd/audit_query.hpp"
#include "fwd/audit_store.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;

namespace {

using Ids = std::vector<std::int64_t>;

// A log whose rows differ from full_record() in what `changes` do, one change per row, ids from 1.
class Log {
public:
    using Change = std::function<void(AuditRecord&)>;

    explicit Log(const std::vector<Change>& changes) {
        std::vector<AuditRecord> rows;
        for (const Change& change : changes) {
            AuditRecord record = full_record();
            change(record);
            rows.push_back(record);
        }
        auto store = AuditStore::open({path(), -1, 1000, {}});
        REQUIRE(store);
        REQUIRE(store->insert(rows));
    }

    std::string path() const { return folder_ / "audit.db"; }

    Ids find(const AuditFilter& filter) const {
        auto reader = AuditReader::open(path());
        REQUIRE(reader);
        const auto rows = reader->rows(filter, 0, INT64_MAX, 1000);
        if (!rows) FAIL(rows.error().text());
        Ids ids;
        for (const AuditRecord& row : *rows) ids.push_back(row.id);
        return ids;
    }

    Ids find_app(const std::string& text) const {
        AuditFilter filter;
        auto app = AppFilter::parse(text);
        if (!app) FAIL(app.error().text());
        filter.app = std::move(*app);
        return find(filter);
    }

    Ids find_end(const std::string& text, std::optional<EndFilter> AuditFilter::*end) const {
        AuditFilter filter;
        auto parsed = EndFilter::parse(text);
        if (!parsed) FAIL(parsed.error().text());
        filter.*end = std::move(*parsed);
        return find(filter);
    }

private:
    TempFolder folder_;
};

Log::Change exe(const std::string& path) {
    return [path](AuditRecord& record) { record.exe = path; };
}

Log::Change to(const char* text) {
    return [text](AuditRecord& record) { record.remote = address(text); };
}

}  // namespace

TEST_CASE("rows by program: path, name, pattern") {
    const Log log({exe("/usr/bin/curl"), exe("/usr/bin/curlew"), exe("/opt/curl/bin/wget"),
                   exe("/opt/bin/curl"), exe("/usr/bin/ncurl"), exe("/tmp/\xff\n/curl"),
                   exe("/usr/bin/CURL"), exe("/usr/bin/cur%"), exe("")});
    CHECK(log.find_app("/usr/bin/curl") == Ids{1});
    CHECK(log.find_app("curl") == Ids{1, 4, 6});
    CHECK(log.find_app("cur%") == Ids{8});  // no wildcard
    CHECK(log.find_app("/usr/bin/*") == Ids{1, 2, 5, 7, 8});
    CHECK(log.find_app("/opt/**") == Ids{3, 4});
    CHECK(log.find_app("curl*") == Ids{1, 2, 4, 6});
    CHECK(log.find_app("/tmp/?[!x]/curl") == Ids{6});  // bytes, as a rule sees them, not escapes
    CHECK(log.find_app("/tmp/\xff\n/curl") == Ids{6});
    CHECK(log.find_app("/usr/bin").empty());
}

TEST_CASE("rows of an AppImage, by its own path and by the one in its mount") {
    const auto run = [](const std::string& path, const std::string& appimage) {
        return [=](AuditRecord& record) { record.exe = path, record.appimage = appimage; };
    };
    const Log log({run("/tmp/.mount_Foox1/usr/bin/foo", "/opt/Foo.AppImage"), run("/opt/Foo.AppImage", ""),
                   run("/tmp/.mount_Barx2/usr/bin/foo", "/opt/Bar.AppImage"), run("/tmp/.mount_Foox1/x", "")});
    CHECK(log.find_app("/opt/Foo.AppImage") == Ids{1, 2});
    CHECK(log.find_app("Foo.AppImage") == Ids{1, 2});
    CHECK(log.find_app("/opt/*.AppImage") == Ids{1, 2, 3});
    CHECK(log.find_app("/tmp/.mount_Foo*/**") == Ids{1, 4});
    CHECK(log.find_app("/tmp/.mount_Foox1/usr/bin/foo") == Ids{1});
    CHECK(log.find_app("/opt/foo.AppImage").empty());
}

TEST_CASE("rows without a program") {
    const auto unknown = [](Unknown reason) {
        return [reason](AuditRecord& record) {
            record.exe = "";
            record.unknown = reason;
        };
    };
    const Log log(
        {exe("/usr/bin/unknown"), unknown(Unknown::no_binding), unknown(Unknown::kernel)});
    CHECK(log.find_app("unknown") == Ids{2, 3});
    CHECK(log.find_app("unknown:kernel") == Ids{3});
    CHECK_FALSE(AppFilter::parse("unknown:whatever"));
    CHECK_FALSE(AppFilter::parse("unknown:none"));
}

TEST_CASE("programs that can't be meant are refused") {
    for (const auto* text : {"", "bin/curl", "./curl", "/usr/[bin"}) {
        INFO(text);
        CHECK_FALSE(AppFilter::parse(text));
    }
}

TEST_CASE("rows by destination: address, prefix, host") {
    const auto host = [](const char* name) {
        return [name](AuditRecord& record) { record.host = name; };
    };
    const auto inbound = [](AuditRecord& record) {
        record.direction = Direction::in;
        record.local = address("192.0.2.1");
        record.remote = address("198.51.100.9");
        record.host = "in.example.net";
    };
    const Log log({to("203.0.113.0"), to("203.0.113.255"), to("203.0.112.255"), to("203.0.114.0"),
                   to("2001:db8::1"), to("2001:db8:ffff::"), to("2001:db9::"), inbound,
                   host("Example.net"), host("www.example.net"), host("badexample.net"),
                   [](AuditRecord& record) { record.reason = audit_loss; }});
    const auto to_end = &AuditFilter::to;
    CHECK(log.find_end("203.0.113.0", to_end) == Ids{1});
    CHECK(log.find_end("203.0.113.0/24", to_end) == Ids{1, 2, 9, 10, 11});
    CHECK(log.find_end("203.0.113.0/31", to_end) == Ids{1});
    CHECK(log.find_end("2001:db8::/32", to_end) == Ids{5, 6});
    CHECK(log.find_end("0.0.0.0/0", to_end) == Ids{1, 2, 3, 4, 8, 9, 10, 11});
    CHECK(log.find_end("::/0", to_end) == Ids{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});  // not the loss
    // An inbound flow's destination is this host, and `host` names its source.
    CHECK(log.find_end("192.0.2.1", to_end) == Ids{8});
    CHECK(log.find_end("198.51.100.9", to_end).empty());
    CHECK(log.find_end("198.51.100.0/24", &AuditFilter::from) == Ids{8});
    CHECK(log.find_end("example.net", to_end) == Ids{9, 10});
    CHECK(log.find_end("EXAMPLE.net", to_end) == Ids{9, 10});
    CHECK(log.find_end("example.net", &AuditFilter::from) == Ids{8});
    CHECK(log.find_end("net", &AuditFilter::from) == Ids{8});
}

TEST_CASE("destinations that can't be meant are refused") {
    for (const auto* text : {"", "203.0.113.1/24", "203.0.113.300", "1.2.3", "a b", "x'; --",
                             "host/24", "2001:db8::g", ".example.org"}) {
        INFO(text);
        CHECK_FALSE(EndFilter::parse(text));
    }
}

TEST_CASE("rows by what happened and what was decided") {
    const auto outcome = [](Action verdict, Action decision) {
        return [verdict, decision](AuditRecord& record) {
            record.verdict = verdict;
            record.decision = decision;
        };
    };
    const Log log({outcome(Action::accept, Action::accept), outcome(Action::drop, Action::drop),
                   outcome(Action::reject, Action::reject), outcome(Action::accept, Action::drop)});
    AuditFilter filter;
    filter.verdicts = {Action::accept};
    CHECK(log.find(filter) == Ids{1, 4});
    filter.verdicts = {Action::drop, Action::reject};
    CHECK(log.find(filter) == Ids{2, 3});
    filter.verdicts = {};
    filter.denied = true;
    CHECK(log.find(filter) == Ids{2, 3, 4});
    filter.verdicts = {Action::accept};
    CHECK(log.find(filter) == Ids{4});
}

TEST_CASE("rows by time, port, user, rule and process") {
    const Log log({[](AuditRecord& record) { record.time_us = 1000; },
                   [](AuditRecord& record) { record.time_us = 2000; },
                   [](AuditRecord& record) { record.remote_port = 8443; },
                   [](AuditRecord& record) { record.uid = 0, record.user = "root"; },
                   [](AuditRecord& record) { record.rule = "' OR 1=1 --"; },
                   [](AuditRecord& record) { record.pid = 42; },
                   [](AuditRecord& record) { record.pid = 0; }});
    const auto found = [&](auto change) {
        AuditFilter filter;
        change(filter);
        return log.find(filter);
    };
    CHECK(found([](AuditFilter& f) { f.until_us = 2000; }) == Ids{1});
    CHECK(found([](AuditFilter& f) { f.since_us = 1001, f.until_us = 2001; }) == Ids{2});
    CHECK(found([](AuditFilter& f) { f.since_us = 2001; }) == Ids{3, 4, 5, 6, 7});
    CHECK(found([](AuditFilter& f) { f.port = 8443; }) == Ids{3});
    CHECK(found([](AuditFilter& f) { f.port = 40000; }).empty());  // the source's
    CHECK(found([](AuditFilter& f) { f.uid = 0; }) == Ids{4});     // not the row without a process
    CHECK(found([](AuditFilter& f) { f.user = "root"; }) == Ids{4});
    CHECK(found([](AuditFilter& f) { f.user = "roo"; }).empty());
    CHECK(found([](AuditFilter& f) { f.rule = "' OR 1=1 --"; }) == Ids{5});
    CHECK(found([](AuditFilter& f) { f.pid = 42; }) == Ids{6});
    CHECK(found([](AuditFilter& f) { f.pid = 42, f.port = 8443; }).empty());
    CHECK(found([](AuditFilter&) {}) == Ids{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("the newest rows, in pages") {
    std::vector<Log::Change> changes;
    for (int i = 0; i < 20; ++i)
        changes.push_back([i](AuditRecord& record) { record.pid = i % 2 == 0 ? 7 : 8; });
    const Log log(changes);
    auto reader = AuditReader::open(log.path());
    REQUIRE(reader);
    AuditFilter even;
    even.pid = 7;  // ids 1, 3, … 19
    CHECK(reader->last_id().value() == 20);
    CHECK(reader->before_newest(even, 20, 3).value() == 13);
    CHECK(reader->before_newest(even, 20, 10).value() == 0);
    CHECK(reader->before_newest(even, 20, 9).value() == 1);
    CHECK(reader->before_newest(even, 12, 1).value() == 9);
    const auto page = reader->rows(even, 13, 20, 2);
    REQUIRE(page->size() == 2);
    CHECK((*page)[0].id == 15);
    CHECK((*page)[1].id == 17);
    CHECK(reader->rows(even, 13, 15, 100)->size() == 1);
}

TEST_CASE("a reader notices new rows, and a database that took the place of another") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    auto store = AuditStore::open({path, -1, 1000, {}});
    REQUIRE(store);
    auto reader = AuditReader::open(path);
    REQUIRE(reader);
    bool restarted = true;
    CHECK(reader->changed(restarted).value());  // the first look
    CHECK_FALSE(restarted);
    CHECK_FALSE(reader->changed(restarted).value());
    REQUIRE(store->insert(std::vector{full_record()}));
    CHECK(reader->changed(restarted).value());
    CHECK_FALSE(reader->changed(restarted).value());
    CHECK(reader->last_id().value() == 1);

    REQUIRE(set_aside_audit_file(path, "damaged", 0));
    CHECK_FALSE(reader->changed(restarted).value());  // nothing there yet: the old one stays open
    std::ofstream(path).flush();
    CHECK_FALSE(reader->changed(restarted).value());  // there, but empty
    REQUIRE(store->reopen());
    CHECK(reader->changed(restarted).value());
    CHECK(restarted);
    CHECK(reader->last_id().value() == 0);
}

TEST_CASE("what can't be read is one clear error with a remedy") {
    const TempFolder folder;
    const auto error_of = [&](const std::string& path) {
        const auto reader = AuditReader::open(path);
        REQUIRE_FALSE(reader);
        CHECK_FALSE(reader.error().remedy.empty());
        CHECK(reader.error().text().find('\n') == std::string::npos);
        return reader.error().text();
    };
    CHECK(error_of(folder / "none.db").find("No such file") != std::string::npos);
    std::ofstream(folder / "empty.db").flush();
    CHECK(error_of(folder / "empty.db").find("is empty") != std::string::npos);
    std::ofstream(folder / "text.db") << std::string(5000, 'x');
    CHECK(error_of(folder / "text.db").find("not a database") != std::string::npos);
    const auto other =
        sqlite::open(folder / "other.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000);
    REQUIRE(sqlite::run(other->get(), "CREATE TABLE decisions (x)", "test"));
    CHECK(error_of(folder / "other.db").find("another program's") != std::string::npos);
}

TEST_CASE("a value that this program does not know is named, not guessed") {
    const Log log({[](AuditRecord&) {}});
    const auto database = sqlite::open(log.path(), SQLITE_OPEN_READWRITE, 1000);
    REQUIRE(sqlite::run(database->get(), "UPDATE decisions SET verdict = 'shrug'", "test"));
    auto reader = AuditReader::open(log.path());
    const auto rows = reader->rows({}, 0, 10, 10);
    REQUIRE_FALSE(rows);
    CHECK(rows.error().text() == "row 1 of the audit log has an unknown verdict");
}
