// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes → a change of rule files: it is refused, or names rule files only and is what it is written as.
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "fwd/rule_step.hpp"

using namespace doorward;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto step = decode_step_body({reinterpret_cast<const char*>(data), size});
    if (!step) return 0;
    for (const auto& file : step->files) require(is_rule_file_name(file.name));
    const std::string bytes = encode_step(*step);
    const auto again = decode_step(bytes);
    require(again && encode_step(*again) == bytes);
    return 0;
}
