// SPDX-License-Identifier: GPL-2.0-or-later
// A row of the audit log, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "fwd/audit_record.hpp"

namespace doorward {

// "203.0.113.7:443", "[2001:db8::1]:443"; with port 0 the address alone.
std::string endpoint_text(const Address& address, std::uint16_t port);

// What happened and, where that is something else, what the rules say: "accept (drop)".
Cell verdict_cell(Action verdict, Action decision);

// "/usr/bin/curl", "unknown:no-binding", "EXE of APPIMAGE", "INTERPRETER SCRIPT".
std::string program_text(const AuditRecord& record);

// " [preload,tracer]": other code may have run in it. Empty if not, or if that is not known; of filters, which many
// services have, it says nothing.
std::string injected_text(const AuditRecord& record);

// "203.0.113.7:443 www.example.org"; empty if the row is about no flow.
std::string destination_text(const AuditRecord& record);

std::vector<Column> log_columns();

std::vector<Cell> log_cells(const AuditRecord& record);

// Every field under the name of its column; null where it is not known. Texts are as in the
// database: valid UTF-8, with other bytes and control characters as \xHH, so that each byte string
// has its own form.
nlohmann::ordered_json log_json(const AuditRecord& record);

}  // namespace doorward
