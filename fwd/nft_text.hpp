// SPDX-License-Identifier: GPL-2.0-or-later
// The text of our table in nft's own language. Pure: a layout in, text out.
#pragma once

#include <string>

#include "fwd/nft_table.hpp"

namespace doorward {

// The whole table, replacing one of the same name in the same transaction. With QueueKind::xtables
// the chain `undecided` holds no queue rule yet: nothing passes it (or, with bypass, everything).
std::string nft_table_text(const NftLayout& layout, QueueKind kind);

// Changes the generation in a table that is in: one transaction.
std::string nft_generation_text(const NftLayout& layout);

// Changes what happens to undecided packets in a table that is in. QueueKind::nft only.
std::string nft_undecided_text(const NftLayout& layout);

// For a kernel that can't ask the owner program: every SYN counts as a new sender's, no datagram does.
std::string nft_without_owner_text(const NftLayout& layout);

// Takes the table out; no error if it is not there.
std::string nft_remove_text();

}  // namespace doorward
