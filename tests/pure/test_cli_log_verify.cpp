// SPDX-License-Identifier: GPL-2.0-or-later
#include <nlohmann/json.hpp>

#include "cli_fixture.hpp"
#include "fwd/audit_query.hpp"
#include "fwd/audit_store.hpp"
#include "lacks_root.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;
using Catch::Contains;
using nlohmann::json;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;

AuditStore open_store(const std::string& path, std::int64_t group = -1) {
    auto store = AuditStore::open({.path = path, .group = group, .message = {}});
    if (!store) FAIL(store.error().text());
    return std::move(*store);
}

std::vector<AuditRecord> records(int count, std::int64_t time_us) {
    AuditRecord record = full_record();
    record.time_us = time_us;
    return std::vector<AuditRecord>(static_cast<std::size_t>(count), record);
}

Outcome verify(const std::string& path, std::vector<std::string> more = {}, const std::string& before = "") {
    more.insert(more.begin(), {"log", "verify", "--database", path});
    return Commands().run(more, before);
}

}  // namespace

TEST_CASE("doorward log verify: what is whole, for people and for programs") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    std::string early, late;
    {
        AuditStore store = open_store(path);
        REQUIRE(store.insert(records(5, 10 * day_us)));
        early = to_text(store.anchor().value());
        REQUIRE(store.insert(records(5, 11 * day_us)));
        late = to_text(store.anchor().value());
        REQUIRE(store.prune({.days = 30, .megabytes = 512}, 41 * day_us).value());
    }
    const auto text = verify(path);
    CHECK(text.status == 0);
    CHECK(text.err == "");
    CHECK_THAT(text.out, Catch::StartsWith("OK: 5 rows ") && Contains("\nhead: 10:") &&
                             Contains("\nrows up to 5 were removed by age or size"));
    const auto found = verify(path, {"--json", "--head", late});
    CHECK(found.status == 0);
    const json report = json::parse(found.out);
    CHECK(report["ok"] == true);
    CHECK(report["rows"] == 5);
    CHECK(report["first"] == 6);
    CHECK(report["removed_upto"] == 5);
    CHECK(report["removed_at"] == "1970-02-11T00:00:00.000000Z");
    CHECK(report["sought"] == "found");
    CHECK(report["fault"].is_null());
    // The same options before the word.
    const auto other = Commands().run({"log", "--database", path, "--json", "verify"});
    CHECK(other.status == 0);
    CHECK(json::parse(other.out)["head"] == report["head"]);

    const auto gone = verify(path, {"--head", "3" + early.substr(1)});
    CHECK(gone.status == 6);
    is_one_line(gone.err);
    CHECK_THAT(gone.err, Contains("row 3"));
    CHECK(json::parse(verify(path, {"--head", "3" + early.substr(1), "--json"}).out)["sought"] == "removed");
}

TEST_CASE("doorward log verify: the first row that does not fit, in one line") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    open_store(path).insert(records(5, full_record().time_us)).value();
    query_number(path, "SELECT count(*) FROM decisions");
    {
        const auto database = sqlite::open(path, SQLITE_OPEN_READWRITE, 2000);
        REQUIRE(sqlite::run(database->get(), "UPDATE decisions SET exe = 'x' WHERE id = 3", "test"));
    }
    const auto text = verify(path);
    CHECK(text.status == 1);
    CHECK(text.out == "");
    is_one_line(text.err);
    CHECK_THAT(text.err, Contains("row 3: ") && Contains(", of 2027-01-15 ") && Contains("2 rows up to 2"));
    const auto parsed = verify(path, {"--json"});
    CHECK(parsed.status == 1);
    const json report = json::parse(parsed.out);
    CHECK(report["ok"] == false);
    CHECK(report["rows"] == 2);
    CHECK(report["fault"]["row"] == 3);
    CHECK(report["fault"]["time"] == "2027-01-15T08:00:00.000123Z");
}

TEST_CASE("doorward log verify: what makes no sense, and what can't be read") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    open_store(path).insert(records(1, 5)).value();
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"log", "--app", "curl", "verify"}, {"log", "--limit", "5", "verify"},
          {"log", "--follow", "verify"}, {"log", "--wide", "verify"}, {"log", "verify", "--app", "curl"},
          {"log", "verify", "--database", path, "--head", "12"}, {"log", "verify", "else"}}) {
        const auto refused = Commands().run(words);
        INFO(words[1] << " " << words[2]);
        CHECK(refused.status == 2);
        is_one_line(refused.err);
    }
    folder.write("text", "no database");
    for (const char* name : {"text", "nothing"}) {
        const auto refused = verify(folder / name);
        CHECK(refused.status == 3);
        is_one_line(refused.err);
    }
}

TEST_CASE("doorward log verify: who may read the log may verify it, while it is written and after") {
    if (lacks_root("to become another user")) return;
    const std::string nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --";
    if (std::system((nobody + " " DOORWARD_COMMAND " --version >/dev/null 2>&1").c_str()) != 0) {
        WARN("skipped: another user can't run the command where it was built");
        return;
    }
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    {
        AuditStore store = open_store(path, 65534);
        REQUIRE(store.insert(records(3000, 5)));
        CHECK_THAT(verify(path, {}, nobody).out, Catch::StartsWith("OK: 3000 rows"));
    }
    CHECK_THAT(verify(path, {}, nobody).out, Catch::StartsWith("OK: 3000 rows"));
    const std::string others = folder / "others.db";
    { AuditStore store = open_store(others); }
    CHECK(verify(others, {}, nobody).status == 3);
}
