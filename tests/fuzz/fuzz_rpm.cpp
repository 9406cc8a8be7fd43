// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes → the header of a package: it is refused, or it names its files by whole paths.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "rules/rpm_header.hpp"

using namespace doorward;

namespace {

void check_path(const std::string& path) {
    require(path.starts_with('/') && !path.ends_with('/') && !path.contains('\0'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto header = RpmHeader::parse({data, size});
    if (!header) return 0;
    require(!header->name().empty() && !header->name().contains('\0'));
    for (std::uint32_t number = 0; number < std::min(header->files(), 64u); ++number)
        if (const std::string path = header->installed_path(number); !path.empty()) check_path(path);
    require(header->installed_path(header->files()).empty());
    // What is one byte shorter or longer is another thing than it says.
    require(!RpmHeader::parse({data, size - 1}));
    return 0;
}
