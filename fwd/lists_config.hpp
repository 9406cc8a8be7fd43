// SPDX-License-Identifier: GPL-2.0-or-later
// What /etc/doorward/lists.yaml says: which blocklists are fetched, from where, how often.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/list_format.hpp"
#include "rules/result.hpp"

namespace doorward {

inline constexpr const char* installed_lists_config = "/etc/doorward/lists.yaml";
inline constexpr const char* installed_lists_folder = "/var/lib/doorward-lists";

enum class Shrink : std::uint8_t { refuse, allow };

struct ListSource {
    std::string name;  // of the file in the folder, too: see is_list_name()
    std::string url;   // one of the two is empty
    std::string file;
    ListFormat format = ListFormat::automatic;
    std::uint32_t refresh_hours = 24;
    std::uint64_t max_bytes = std::uint64_t{64} << 20;  // unpacked
    std::uint32_t timeout_seconds = 120;                // for all of it
    bool insecure = false;                              // http is allowed
    Shrink shrink = Shrink::refuse;                     // below half of the last good entries
    std::string ca_file;                                // empty: the system's

    const std::string& source() const { return url.empty() ? file : url; }
};

struct ListsConfig {
    std::string proxy;  // empty: none, whatever the environment says
    std::vector<ListSource> lists;
};

// A letter or digit, then letters, digits, '-' and '_', in lower case, at most 64 of them: no path,
// no hidden file.
bool is_list_name(std::string_view name);

// The error has file, line and column.
Result<ListsConfig> parse_lists_config(std::string_view text, const std::string& file_name);

// A file that is not there is an error.
Result<ListsConfig> read_lists_config(const std::string& path);

}  // namespace doorward
