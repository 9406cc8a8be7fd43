// SPDX-License-Identifier: GPL-2.0-or-later
// Where the chain that is left in an audit database begins. Of verify_chain() alone.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "fwd/audit_verify.hpp"

namespace doorward {

// Questions to the database; remembers whether damage kept one from being answered.
class ChainQueries {
public:
    explicit ChainQueries(sqlite3* database) : database_(database) {}

    Result<sqlite::Statement> prepare(const std::string& sql, std::initializer_list<std::int64_t> values);
    Result<bool> step(sqlite::Statement& statement);
    // Of the first row; NULL counts as nothing.
    Result<std::optional<std::int64_t>> number(const std::string& sql,
                                               std::initializer_list<std::int64_t> values);

    sqlite3* database() const { return database_; }
    bool damaged() const { return damaged_; }

private:
    void note_damage();

    sqlite3* database_;
    bool damaged_ = false;
};

struct ChainBase {
    std::int64_t event = 0;
    std::int64_t row = 0;      // the links behind this one are there
    Sha256 before{};           // the hash before the first of them
    std::int64_t time_us = 0;
    bool removed = false;      // by age or size; else the chain began there
};

// Nothing if the database does not say.
Result<std::optional<ChainBase>> find_chain_base(ChainQueries& queries);

// What stands before the beginning of the chain, and should not.
Result<std::optional<ChainFault>> find_before(ChainQueries& queries, const ChainBase& base);

}  // namespace doorward
