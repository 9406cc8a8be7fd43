// SPDX-License-Identifier: GPL-2.0-or-later
// The text of our table in nft's own language. Pure: a layout in, text out.
#pragma once

#include <string>

#include "fwd/nft_table.hpp"

namespace doorward {

// What becomes of a table of the same name: all of it goes, or its rules, while its chains stay where they are hooked.
enum class OldTable { removed, emptied };

// Where packets for a queue end, counted from the first: `undecided`, `undecided1` and so on.
std::string nft_undecided_chain(int number);

// The whole table, replacing one of the same name in the same transaction. The undecided chains
// hold no queue rule yet: nothing passes them (or, with bypass, everything).
std::string nft_table_text(const NftLayout& layout, OldTable old = OldTable::removed);

// Asks for nft's `queue` statement and leaves nothing behind: one transaction.
std::string nft_probe_text(const NftLayout& layout);

// The same for nft's `fib` expression.
std::string nft_source_probe_text();

// Changes the generation in a table that is in: one transaction.
std::string nft_generation_text(const NftLayout& layout);

// Changes what happens to undecided packets in a table that is in. QueueKind::nft only.
std::string nft_undecided_text(const NftLayout& layout);

// For a kernel that can't ask the sender programs: every SYN counts as a new sender's, no datagram
// does, and accepted packets mark their flow whoever owns it by then.
std::string nft_without_senders_text(const NftLayout& layout);

// Takes the table out; no error if it is not there.
std::string nft_remove_text();

}  // namespace doorward
