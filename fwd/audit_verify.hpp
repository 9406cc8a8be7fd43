// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the audit log is as it was written: the chain, walked from its beginning to its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fwd/audit_chain.hpp"

namespace doorward {

// The first link that does not fit.
struct ChainFault {
    std::int64_t row = 0;                  // id of the row, or of that behind which an event stands
    std::optional<std::int64_t> time_us;   // its own, if it is there
    std::string what;                      // "its hash does not fit: …"

    std::string text() const;              // "row 17: …", without the time
};

enum class SoughtHead : std::uint8_t {
    none,     // nobody asked for one
    found,
    removed,  // its row has gone by age or size since: nothing can be said
    missing,  // then there is a fault
};

struct ChainReport {
    std::int64_t rows = 0;        // that fit
    std::int64_t first = 0;       // the first of them; 0 if there is none
    std::optional<std::int64_t> last_us;        // time of the last of them
    std::int64_t older = 0;       // rows before the chain, of a former version: not looked at
    std::int64_t removed_upto = 0;              // the last row that is gone by age or size; 0: none is
    std::optional<std::int64_t> removed_us;     // when
    std::int64_t unclean = 0;     // times that a daemon ended without having written all it held
    std::optional<std::int64_t> unclean_row;    // the row behind which the last of them did
    std::int64_t unwritten = 0;   // flows that a daemon held at its end and could not write
    ChainHead head;
    SoughtHead sought = SoughtHead::none;
    std::optional<ChainFault> fault;            // the walk ends there
};

struct ChainSearch {
    std::optional<ChainHead> sought;   // an end that was noted earlier
    std::int64_t newest = 0;           // of the rows, only so many; 0: all
};

// Walks in pages, each of one moment, so that the daemon may write and prune meanwhile. Rows that come after
// the first page may stay out. Needs no right to write. Errors: the database can't be read; but damage that
// is met on the way is a fault.
Result<ChainReport> verify_chain(sqlite3* database, const ChainSearch& search);

}  // namespace doorward
