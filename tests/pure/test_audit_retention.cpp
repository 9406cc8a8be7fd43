// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_prune.hpp"
#include "fwd/audit_store.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;

AuditStore open_store(const std::string& path) {
    auto store = AuditStore::open({path, -1, 1000, {}});
    if (!store) FAIL(store.error().text());
    return std::move(*store);
}

std::vector<AuditRecord> records(int count, std::int64_t time_us) {
    AuditRecord record = full_record();
    record.time_us = time_us;
    return std::vector<AuditRecord>(static_cast<std::size_t>(count), record);
}

}  // namespace

TEST_CASE("rows beyond the days are deleted in chunks, younger ones and the newest stay") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    AuditStore store = open_store(path);
    REQUIRE(store.insert(records(prune_chunk_rows + 500, 1 * day_us)));
    REQUIRE(store.insert(records(10, 20 * day_us)));
    const Retention retention{.days = 30, .megabytes = 512};
    // To the microsecond: what is exactly 30 days old stays.
    CHECK_FALSE(store.prune(retention, 31 * day_us).value());
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == prune_chunk_rows + 510);
    CHECK(store.prune(retention, 31 * day_us + 1).value());
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == 510);
    for (int i = 0; i < 20 && store.prune(retention, 31 * day_us + 1).value(); ++i) {}
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == 10);

    for (int i = 0; i < 20 && store.prune(retention, 900 * day_us).value(); ++i) {}
    CHECK(query_number(path, "SELECT count(*) FROM decisions") == 1);
    CHECK(query_number(path, "SELECT max(id) FROM decisions") == prune_chunk_rows + 510);
}

TEST_CASE("rows beyond the megabytes are deleted, oldest first, and the file shrinks") {
    const TempFolder folder;
    const std::string path = folder / "audit.db";
    std::int64_t before = 0;
    {
        AuditStore store = open_store(path);
        for (int i = 0; i < 10; ++i) REQUIRE(store.insert(records(4000, 5)));
        before = store.used_bytes();
        REQUIRE(before > std::int64_t{8} << 20);
        const Retention retention{.days = 30, .megabytes = 4};
        int calls = 0;
        while (store.prune(retention, 6).value()) REQUIRE(++calls < 100);
        CHECK(store.used_bytes() <= std::int64_t{4} << 20);
        CHECK(store.used_bytes() > std::int64_t{2} << 20);  // no more than needed
        CHECK(query_number(path, "SELECT max(id) FROM decisions") == 40'000);
        const auto left = query_number(path, "SELECT count(*) FROM decisions");
        CHECK(query_number(path, "SELECT min(id) FROM decisions") == 40'000 - left + 1);
    }
    CHECK(static_cast<std::int64_t>(std::filesystem::file_size(path)) < std::int64_t{6} << 20);
}
