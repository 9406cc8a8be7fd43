// SPDX-License-Identifier: GPL-2.0-or-later
// The chain through the audit log. Its links are the rows of `decisions` and of `events`, in the order in
// which they were written; the hash of each is made of its content and of the hash before. What a link is
// made of is fixed for all times: a log must verify with later versions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fwd/sqlite.hpp"
#include "rules/content.hpp"

namespace doorward {

enum class LinkKind : char { row = 'R', event = 'E' };

// What a link's hash is made of. Values are given in the order of the columns, which are numbered. NULL
// leaves no trace, so that a column that is added later leaves the hashes of older rows as they are.
class LinkContent {
public:
    void begin(const Sha256& before, LinkKind kind);
    void number(std::int64_t value);
    void text(std::string_view value);
    void blob(std::span<const std::uint8_t> value);
    void null() { ++column_; }
    // The value of the row that the statement stands on, of whatever type it is.
    void column(const sqlite::Statement& statement, int index);

    Sha256 hash() const;

private:
    void bytes(char type, std::string_view value);

    std::uint8_t column_ = 0;
    std::string content_;
};

// Where a chain ends, or once did: the newest row, and the newest link's hash.
struct ChainHead {
    std::int64_t row = 0;
    Sha256 hash{};

    bool operator==(const ChainHead&) const = default;
};

// "1234:9f86d0…", as an administrator notes it.
std::string to_text(const ChainHead& head);
Result<ChainHead> parse_chain_head(const std::string& text);

// A hash as it stands in a database; nothing if somebody put something else there.
std::optional<Sha256> stored_hash(const sqlite::Statement& statement, int index);

// What happens to the log itself, in the table `events`.
namespace chain_event {
inline constexpr std::string_view begun = "begun";      // rows up to `after_id` are older than the chain
inline constexpr std::string_view opened = "opened";    // by a daemon that begins to write
inline constexpr std::string_view closed = "closed";    // by one that has written all it could
inline constexpr std::string_view removed = "removed";  // rows up to `upto`, by age or size
}  // namespace chain_event

// The columns of `events` that its hash is made of, in order, for SELECT and INSERT; `chain` comes behind.
inline constexpr const char* event_columns = "id, after_id, time_us, kind, upto, rows, base";
inline constexpr int event_column_count = 7;

}  // namespace doorward
