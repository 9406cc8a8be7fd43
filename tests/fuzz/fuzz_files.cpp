// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes → the texts that are read to know an executable's file: mounts, dpkg's lists and
// diversions. What they say of themselves is checked here.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "fwd/dpkg_files.hpp"
#include "fwd/mount_entry.hpp"

using namespace doorward;

namespace {

void check_mounts(std::string_view text) {
    for (const std::uint64_t id : {0u, 1u, 22u, 36u, 4294967295u})
        if (const auto mount = find_mount(text, id)) {
            require(!mount->type.empty() && !mount->type.contains(' '));
            require(mount->device >> 32 == 0);
            // A text that begins with a whole copy of itself says the same.
            require(find_mount(std::string(text) + "\n" + std::string(text), id) == mount);
        }
    (void)parse_mount_id(text);
}

void check_packages(std::string_view text) {
    PathIndex index;
    std::vector<std::string> paths;
    each_listed_path(text, [&](std::string_view path) {
        require(path.size() > 1 && path[0] == '/' && !path.contains('\n'));
        index.add(path, static_cast<std::uint32_t>(paths.size()));
        paths.emplace_back(path);
    });
    index.seal();
    require(index.size() == paths.size());
    const auto diversions = parse_diversions(text);
    for (std::uint32_t i = 0; i < std::min<std::size_t>(paths.size(), 64); ++i) {
        const auto found = index.find(paths[i]);
        require(std::ranges::find(found, i) != found.end());
        const auto names = listed_as(paths[i], {"bin", "lib"}, diversions);
        require(!names.empty() && names.front().path == paths[i]);
    }
    require(!package_of_list(text).contains(':'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_mounts(text);
    check_packages(text);
    return 0;
}
