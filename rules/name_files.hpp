// SPDX-License-Identifier: GPL-2.0-or-later
// The files that say who is asked for names, and which names need no asking.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/address.hpp"

namespace doorward {

// The `nameserver` lines of a file as in resolv.conf(5), without zones ("fe80::1%eth0" is fe80::1).
// Lines that make no sense are skipped, as the C library does.
std::vector<Address> parse_resolv_conf(std::string_view text);

// The domains of its last `search` or `domain` line, which replaces those before: normal host names,
// at most `most`.
std::vector<std::string> parse_search_domains(std::string_view text, std::size_t most);

struct HostsFile {
    std::vector<std::pair<Address, std::string>> names;  // normal host names, in the file's order
    std::size_t skipped = 0;  // addresses and names that are none, and those beyond `most`
};

// A file as in hosts(5). 0.0.0.0 and :: are left out: they lead nowhere.
HostsFile parse_hosts(std::string_view text, std::size_t most);

}  // namespace doorward
