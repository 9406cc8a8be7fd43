// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/name_files.hpp"

#include "rules/domain_name.hpp"

namespace doorward {
namespace {

constexpr std::string_view blanks = " \t\r";

// The next piece of `text` up to one of `ends`; takes it off the front.
std::string_view cut(std::string_view& text, std::string_view ends) {
    const auto end = text.find_first_of(ends);
    const auto piece = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return piece;
}

// The next word of a line; empty at its end.
std::string_view word(std::string_view& line) {
    const auto start = line.find_first_not_of(blanks);
    if (start == std::string_view::npos) return line = {};
    line.remove_prefix(start);
    return cut(line, blanks);
}

}  // namespace

std::vector<Address> parse_resolv_conf(std::string_view text) {
    std::vector<Address> servers;
    while (!text.empty()) {
        auto line = cut(text, "\n");
        // A comment begins with its line: a keyword must do so too.
        if (word(line) != "nameserver") continue;
        auto server = word(line);
        if (const auto address = Address::parse(cut(server, "%"))) servers.push_back(*address);
    }
    return servers;
}

std::vector<std::string> parse_search_domains(std::string_view text, std::size_t most) {
    std::vector<std::string> domains;
    while (!text.empty()) {
        auto line = cut(text, "\n");
        const auto keyword = word(line);
        if (keyword != "search" && keyword != "domain") continue;
        domains.clear();
        for (auto next = word(line); !next.empty() && domains.size() < most; next = word(line)) {
            if (auto name = normal_host_name(next)) domains.push_back(*std::move(name));
            if (keyword == "domain") break;
        }
    }
    return domains;
}

HostsFile parse_hosts(std::string_view text, std::size_t most) {
    HostsFile file;
    while (!text.empty()) {
        auto line = cut(text, "\n");
        line = line.substr(0, line.find('#'));
        auto first = word(line);
        if (first.empty()) continue;
        const auto address = Address::parse(cut(first, "%"));
        if (!address) {
            file.skipped++;
            continue;
        }
        if (address->is_unspecified()) continue;
        for (auto next = word(line); !next.empty(); next = word(line)) {
            auto name = normal_host_name(next);
            if (name && file.names.size() < most)
                file.names.emplace_back(*address, *std::move(name));
            else file.skipped++;
        }
    }
    return file;
}

}  // namespace doorward
