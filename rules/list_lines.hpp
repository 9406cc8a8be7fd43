// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of blocklists, one reader for each format. Used by list_format.cpp only.
#pragma once

#include <optional>
#include <string_view>

#include "rules/list_format.hpp"

namespace doorward {

// The next line of `text`, without its end; takes it off the front.
std::string_view cut_line(std::string_view& text);
std::string_view trimmed(std::string_view text);

// The next word of `line`, empty at its end; takes it off the front.
std::string_view cut_word(std::string_view& line);

// A line, trimmed, that says nothing in any of the formats.
bool is_comment(std::string_view line);

// Which format a line, trimmed and no comment, is of if it stands alone; nothing if that can't be
// told.
std::optional<ListFormat> format_of_line(std::string_view line);

// What a line of an adblock list is, apart from what it names.
struct AdblockRule {
    std::optional<Skip> skip{};
    bool comment = false;
    bool plain = false;          // no rule of such lists: a name, or a line of a hosts file
    std::string_view name{};     // a part of the line
    Covers covers = Covers::both;
    Listing listing = Listing::listed;
};
AdblockRule read_adblock_line(std::string_view line);

// Reads line after line into the builders and the report. The format is the report's.
class ListLines {
public:
    ListLines(ListReport& report, const ListBuilders& builders, const ListOptions& options)
        : report_(report), builders_(builders), options_(options) {}

    void read(std::string_view line);

private:
    static constexpr std::size_t examples_each = 3;
    static constexpr std::size_t example_bytes = 80;

    void hosts_line(std::string_view line);
    void domains_line(std::string_view line);
    void adblock_line(std::string_view line);
    void dnsmasq_line(std::string_view line);
    void addresses_line(std::string_view line);

    // `text` is a part of the line, as are all that follow.
    void domain(std::string_view text, Covers covers, Listing listing = Listing::listed);
    void prefix(std::string_view text);
    void add(const Address& first, const Address& last, std::string_view text);
    void add(const Prefix& prefix, std::string_view text);
    void skip(Skip reason, std::string_view text);

    ListReport& report_;
    const ListBuilders builders_;
    const ListOptions options_;
    std::string_view line_{};
};

}  // namespace doorward
