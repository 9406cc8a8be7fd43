// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a pack of rules that was kept on disk: what is taken can be read and compiled, and comes
// back from its own bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "require.hpp"
#include "rules/rule_pack_codec.hpp"
#include "rules/ruleset.hpp"

using namespace doorward;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto pack = RulePackCodec::take(bytes);
    if (!pack) return 0;
    const auto rules = pack->rules();
    std::string again;
    RulePackCodec::append(*pack, again);
    std::string_view view = again;
    const auto taken = RulePackCodec::take(view);
    require(taken && view.empty());
    require(same_rules(taken->rules(), rules));
    // Its texts were canonical once; whatever they are now must be an error at worst.
    if (rules.size() < 64) (void)Ruleset::compile({pack}, {}, Environment{});
    return 0;
}
