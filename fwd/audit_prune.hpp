// SPDX-License-Identifier: GPL-2.0-or-later
// Which rows of the audit log are to go, and the space that they leave. Of AuditStore alone.
#pragma once

#include <cstdint>

#include "fwd/sqlite.hpp"

namespace doorward {

// Rows at once deleted by age or size; small, so that no batch waits long for it.
inline constexpr std::int64_t prune_chunk_rows = 4000;

// The last of the oldest rows that are all before `cutoff_us`, at most a chunk of them; 0 if there is none.
// Rows that are ahead of the clock, as it has been set back, go with those behind them. Never the newest row.
Result<std::int64_t> last_outdated_row(sqlite3* database, std::int64_t cutoff_us, std::int64_t now_us);

// The last row of the oldest chunk, without the newest row of all; 0 if there is no other.
Result<std::int64_t> last_row_of_chunk(sqlite3* database);

// Gives free pages back to the file system, a chunk of them. True if there were some.
Result<bool> shrink(sqlite3* database);

}  // namespace doorward
