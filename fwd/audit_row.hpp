// SPDX-License-Identifier: GPL-2.0-or-later
// AuditRecord ↔ row of the table `decisions`: the one place that knows which field is which column.
#pragma once

#include "fwd/audit_chain.hpp"
#include "fwd/audit_record.hpp"
#include "fwd/sqlite.hpp"

namespace doorward {

// INSERT with one parameter per column, in the order that bind() fills.
std::string audit_insert_sql();

// The columns that a row's hash is made of, in order, for a SELECT; and how many they are.
std::string audit_linked_columns_sql();
int audit_linked_columns();

// The columns read_audit_row() expects, for a SELECT that names them first and in this order.
std::string audit_columns_sql();

// As `asked` has them.
inline constexpr std::pair<Fact, std::string_view> audit_fact_names[] = {
    {Fact::sha256, "sha256"}, {Fact::verity, "verity"}, {Fact::package, "package"}};

struct EvidenceTexts {
    std::string names, units, slices, asked;
};

// Binds a record to the statement made of audit_insert_sql(). Keeps the texts made on the way; both
// it and the record must live until the statement has been stepped.
class AuditRowBinder {
public:
    // Gives the row the id and puts it into the chain behind `before`. Its own hash.
    const Sha256& bind(sqlite::Statement& statement, std::int64_t id, const AuditRecord& record,
                       const Sha256& before);

private:
    LinkContent content_;
    Sha256 hash_{};
    std::string source_, destination_, protocol_, ancestors_, injected_;
    EvidenceTexts evidence_;
    std::string escaped_[17];  // one per column of bytes that others chose
};

// The row the statement stands on. A value this program does not know (a later version's protocol
// name, a hand-made change) is an error that names the column.
Result<AuditRecord> read_audit_row(const sqlite::Statement& statement);

}  // namespace doorward
