// SPDX-License-Identifier: GPL-2.0-or-later
// A pack of rules as bytes, so that what was parsed once need not be parsed again. For this machine and
// this version only: no format for exchange.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rules/rule_pack.hpp"

namespace doorward {

class RulePackCodec {
public:
    // Changes whenever the bytes mean something else.
    static constexpr std::uint32_t version = 2;

    static void append(const RulePack& pack, std::string& out);

    // Takes a pack from the front of `bytes`. Whatever they hold, what is returned is whole: every
    // number in it points to something. Whether it is what a file says, only a digest can tell. Null:
    // these bytes are no pack.
    static std::shared_ptr<const RulePack> take(std::string_view& bytes);
};

}  // namespace doorward
