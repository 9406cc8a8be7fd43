// SPDX-License-Identifier: GPL-2.0-or-later
// AuditFilter → SQL with a parameter for every value that came from outside.
#pragma once

#include "fwd/audit_query.hpp"
#include "fwd/sqlite.hpp"

namespace doorward {

// app_glob(exe, pointer to Glob): the glob that rules use, on the path as bytes. To be registered
// once per connection.
Result<void> register_app_glob(sqlite3* database);

// Conditions as text, and their values bound in the same order. Keeps what the values point to; the
// filter must outlive it.
class AuditConditions {
public:
    explicit AuditConditions(const AuditFilter& filter);
    AuditConditions(const AuditConditions&) = delete;
    AuditConditions& operator=(const AuditConditions&) = delete;

    // "1 AND verdict IN (?,?) AND …"
    const std::string& sql() const { return sql_; }

    // Binds from parameter `first` on; returns the next free one.
    int bind(sqlite::Statement& statement, int first) const;

private:
    using Value = std::variant<std::int64_t, std::string, Address, const Glob*>;

    void add(const std::string& condition, std::vector<Value> values);
    void add_text(const TextFilter& filter, const std::string& column);
    void add_injected(std::uint8_t bits);
    void add_app(const AppFilter& filter);
    void add_end(const EndFilter& filter, const std::string& end, const std::string& direction);

    std::string sql_ = "1";
    std::vector<Value> values_;
};

}  // namespace doorward
