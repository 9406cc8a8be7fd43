// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/list_format.hpp"

#include <algorithm>
#include <numeric>

#include "rules/list_lines.hpp"

namespace doorward {
namespace {

constexpr std::array formats = {ListFormat::automatic, ListFormat::hosts,   ListFormat::domains,
                                ListFormat::adblock,   ListFormat::dnsmasq, ListFormat::addresses};

// How much of a text is looked at to tell its format.
constexpr std::size_t detect_lines = 200;
constexpr std::size_t detect_bytes = std::size_t{1} << 20;

struct Votes {
    std::array<std::size_t, formats.size()> of{};
    std::size_t lines = 0;

    std::size_t& operator[](ListFormat format) { return of[static_cast<std::size_t>(format)]; }
};

ListFormat winner(Votes& votes) {
    // Lists for browsers also have plain names and lines of hosts files in them, and are read so.
    if (votes[ListFormat::adblock] > 0) {
        votes[ListFormat::adblock] += votes[ListFormat::domains] + votes[ListFormat::hosts];
        votes[ListFormat::domains] = votes[ListFormat::hosts] = 0;
    }
    const auto most = std::ranges::max_element(votes.of);
    if (*most * 2 <= votes.lines) return ListFormat::automatic;
    return formats[static_cast<std::size_t>(most - votes.of.begin())];
}

struct Detected {
    ListFormat format = ListFormat::automatic;
    bool anything = false;  // a line that is no comment
};

Detected detect(std::string_view text) {
    text = text.substr(0, detect_bytes);
    Votes votes;
    while (!text.empty() && votes.lines < detect_lines) {
        const std::string_view line = trimmed(cut_line(text));
        if (line.starts_with("[Adblock") || line.starts_with("[uBlock"))
            return {ListFormat::adblock, true};
        if (line.empty() || is_comment(line)) continue;
        votes.lines++;
        if (const auto format = format_of_line(line)) votes[*format]++;
    }
    if (votes.lines == 0) return {};
    return {winner(votes), true};
}

std::string_view without_mark(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    return text;
}

bool is_markup(std::string_view text) {
    const auto start = text.find_first_not_of(" \t\r\n");
    return start != text.npos && text[start] == '<';
}

}  // namespace

std::size_t ListReport::skipped_in_all() const {
    return std::accumulate(skipped.begin(), skipped.end(), std::size_t{0});
}

Result<ListReport> read_list(std::string_view text, ListFormat format, const ListBuilders& builders,
                             const ListOptions& options) {
    text = without_mark(text);
    if (is_markup(text))
        return fail("it begins with \"<\": a page, not a list", "give the address of the list itself");
    ListReport report;
    report.format = format;
    if (format == ListFormat::automatic) {
        const Detected detected = detect(text);
        if (detected.anything && detected.format == ListFormat::automatic)
            return fail("its first lines fit no format of lists",
                        "give its format: hosts, domains, adblock, dnsmasq or addresses");
        report.format = detected.format;
    }
    ListLines lines(report, builders, options);
    while (!text.empty()) lines.read(cut_line(text));
    return report;
}

std::string_view list_format_name(ListFormat format) {
    switch (format) {
        case ListFormat::automatic: return "auto";
        case ListFormat::hosts: return "hosts";
        case ListFormat::domains: return "domains";
        case ListFormat::adblock: return "adblock";
        case ListFormat::dnsmasq: return "dnsmasq";
        case ListFormat::addresses: return "addresses";
    }
    return "?";
}

std::optional<ListFormat> parse_list_format(std::string_view text) {
    const auto found = std::ranges::find(formats, text, list_format_name);
    if (found == formats.end()) return std::nullopt;
    return *found;
}

std::span<const ListFormat> all_list_formats() { return formats; }

std::string_view skip_name(Skip reason) {
    switch (reason) {
        case Skip::syntax: return "syntax";
        case Skip::too_long: return "too-long";
        case Skip::not_ascii: return "not-ascii";
        case Skip::own_name: return "own-name";
        case Skip::elsewhere: return "elsewhere";
        case Skip::cosmetic: return "cosmetic";
        case Skip::path: return "path";
        case Skip::regex: return "regex";
        case Skip::pattern: return "pattern";
        case Skip::narrow: return "narrow";
        case Skip::badfilter: return "badfilter";
        case Skip::host_bits: return "host-bits";
        case Skip::wrong_kind: return "wrong-kind";
        case Skip::full: return "full";
    }
    return "?";
}

std::string_view skip_text(Skip reason) {
    switch (reason) {
        case Skip::syntax: return "not understood";
        case Skip::too_long: return "line too long";
        case Skip::not_ascii: return "name not in its xn-- form";
        case Skip::own_name: return "the host's own name";
        case Skip::elsewhere: return "gives a name another address";
        case Skip::cosmetic: return "hides parts of pages";
        case Skip::path: return "only some URLs or ports of a host";
        case Skip::regex: return "regular expression";
        case Skip::pattern: return "part of a name";
        case Skip::narrow: return "only some kinds of requests";
        case Skip::badfilter: return "takes back another line";
        case Skip::host_bits: return "bits behind the prefix length";
        case Skip::wrong_kind: return "not the kind of entry that is wanted";
        case Skip::full: return "no room";
    }
    return "?";
}

}  // namespace doorward
