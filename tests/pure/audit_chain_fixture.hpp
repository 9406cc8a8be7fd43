// SPDX-License-Identifier: GPL-2.0-or-later
// A log to tamper with, and what is found.
#pragma once

#include "fwd/audit_query.hpp"
#include "fwd/audit_store.hpp"
#include "tests/pure/audit_fixture.hpp"

namespace doorward {

inline constexpr std::int64_t day_us = 86'400'000'000;

struct Told {
    std::vector<std::string> messages;
    Result<AuditStore> store;

    explicit Told(const std::string& path, std::int64_t checked_rows = 20'000)
        : store(AuditStore::open({.path = path, .group = -1, .busy_timeout_ms = 1000,
                                  .message = [this](const std::string& text) { messages.push_back(text); },
                                  .now_us = [] { return 40 * day_us; }, .checked_rows = checked_rows})) {
        if (!store) FAIL(store.error().text());
    }
    ~Told() {
        if (store) CHECK(store->say_closed(0));
    }
};

inline std::vector<AuditRecord> records(int count, std::int64_t time_us) {
    AuditRecord record = full_record();
    record.time_us = time_us;
    std::vector<AuditRecord> all(static_cast<std::size_t>(count), record);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].pid = static_cast<std::uint32_t>(i + 1);
    return all;
}

inline void sql(const std::string& path, const std::string& text) {
    const auto database = sqlite::open(path, SQLITE_OPEN_READWRITE, 2000);
    REQUIRE(database);
    INFO(text);
    const auto done = sqlite::run(database->get(), text, "test");
    if (!done) FAIL(done.error().text());
}

inline ChainReport verified(const std::string& path, std::optional<ChainHead> sought = std::nullopt) {
    auto reader = AuditReader::open(path);
    if (!reader) FAIL(reader.error().text());
    const auto report = reader->verify(sought);
    if (!report) FAIL(report.error().text());
    return *report;
}

// The row at which a database is found to be other than it was written.
inline std::optional<std::int64_t> fault_row(const std::string& path) {
    const auto report = verified(path);
    if (!report.fault) return std::nullopt;
    INFO(report.fault->text());
    return report.fault->row;
}

// Ten rows, in two runs of a daemon.
inline void write_ten(const std::string& path) {
    for (int run = 0; run < 2; ++run) {
        Told told(path);
        REQUIRE(told.store->insert(records(5, 10 * day_us)));
        CHECK(told.messages.empty());
    }
}

inline std::vector<std::string> columns_of(const std::string& path, const std::string& table) {
    const auto database = sqlite::open(path, SQLITE_OPEN_READONLY, 2000);
    auto names = sqlite::Statement::prepare(database->get(), "SELECT name FROM pragma_table_info('" + table + "')", "test");
    std::vector<std::string> all;
    while (names->step().value()) all.emplace_back(names->column_text(0));
    return all;
}

}  // namespace doorward
