// SPDX-License-Identifier: GPL-2.0-or-later
// Paths without symbolic links, for many paths at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace doorward {

// As realpath(3), with at most one system call for a path whose folder is known instead of one for each part
// of it; folders that very many paths are in are listed once. What was found out is remembered for as long
// as this lives: for one load of the rules, not longer. Of one thread.
class RealPaths {
public:
    static constexpr std::size_t most_folders = 4096;  // that are remembered
    static constexpr std::size_t list_after = 1024;    // paths that one folder was asked for
    static constexpr std::size_t most_listed = 65536;  // names in a folder that is listed

    // The path itself if it can't be resolved: nothing need be there.
    std::string of(const std::string& path);

private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    enum class Kind : std::uint8_t { nothing, link, other, not_known };
    using Names = std::unordered_map<std::string, Kind, Hash, std::equal_to<>>;
    struct Folder {
        std::optional<std::string> real;  // none: it isn't there; the root is empty
        std::size_t asked = 0;
        std::optional<Names> names{};
    };
    using Found = std::optional<std::string>;  // none: nothing is there

    Found find(std::string_view path);
    Folder& folder(std::string_view path);
    static Kind kind_in(Folder& folder, std::string_view name, const std::string& path);
    static std::optional<Names> list(const std::string& folder);

    std::unordered_map<std::string, Folder, Hash, std::equal_to<>> folders_;
    Folder root_{std::string()};
    Folder not_kept_;  // the last one beyond most_folders
};

}  // namespace doorward
