// SPDX-License-Identifier: GPL-2.0-or-later
// Blocklists in the forms people publish them in → entries of sets, and an account of what was left
// out. Pure: the caller has read the file (fwd/list_folder.hpp). How a set is made of its text:
//
//   DomainSetBuilder domains(key);                 // a random key: fwd/hash_key.hpp makes one
//   PrefixSetBuilder prefixes;
//   const auto report = read_list(text, ListFormat::automatic, {&domains, &prefixes});
//   if (!report) …                                 // no list: the error says why and what to do
//   const DomainSet names = std::move(domains).finish();
//   const PrefixSet addresses = std::move(prefixes).finish();
//
// Several lists may go into the same builders; see Listing in rules/domain_set.hpp about exceptions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/domain_set.hpp"
#include "rules/prefix_set.hpp"
#include "rules/result.hpp"

namespace doorward {

enum class ListFormat : std::uint8_t {
    automatic,  // told by the first lines
    hosts,      // "0.0.0.0 ads.example …": the name itself
    domains,    // a line each: "x.example" itself, "*.x.example" below, ".x.example" both
    adblock,    // "||x.example^" both, "@@||x.example^" an exception; also lines as of the two above
    dnsmasq,    // "address=/x.example/", "server=/x.example/", "local=/x.example/": both
    addresses,  // a line each: address, prefix, or a range "a-b"
};

// Why a part of a list is not in the set.
enum class Skip : std::uint8_t {
    syntax,      // not understood
    too_long,    // a line of more than ListOptions::longest_line bytes
    not_ascii,   // a name that is not in its xn-- form
    own_name,    // what every hosts file has: localhost, ip6-allnodes, …
    elsewhere,   // the line gives a name an address: it does not block it
    cosmetic,    // hides elements of pages
    path,        // speaks of some URLs of a host, or of a port
    regex,       // a regular expression
    pattern,     // a part of a name
    narrow,      // holds for some kinds of requests only
    badfilter,   // takes back another line
    host_bits,   // bits behind the length of a prefix
    wrong_kind,  // an address where only names are wanted, or the other way round
    full,        // no room in the set
};
constexpr std::size_t skip_kinds = static_cast<std::size_t>(Skip::full) + 1;

struct ListOptions {
    // "x.example" and "*.x.example" both cover the name and all below it: lists of names are often
    // meant so, without saying it.
    bool whole_domains = false;
    std::size_t longest_line = 65536;  // bytes
};

// Where entries go. What a list has of a kind without a builder is skipped as `wrong_kind`.
struct ListBuilders {
    DomainSetBuilder* domains = nullptr;
    PrefixSetBuilder* prefixes = nullptr;
};

// The first few of each kind; `text` is as it stands in the list (any bytes), cut to 80 of them.
struct SkipExample {
    Skip reason = Skip::syntax;
    std::size_t line = 0, column = 0;  // from 1; columns count bytes
    std::string text;
};

struct ListReport {
    ListFormat format = ListFormat::automatic;  // as read; `automatic` if there is nothing in it
    std::size_t lines = 0;
    // Entries given to the builders.
    std::size_t names = 0, exceptions = 0, prefixes = 0;
    std::size_t repeated = 0;  // names and exceptions among them that were there already
    std::array<std::size_t, skip_kinds> skipped{};
    std::vector<SkipExample> examples;  // in the order of the list

    std::size_t entries() const { return names + exceptions + prefixes; }
    std::size_t skipped_in_all() const;
};

// Reads `text`, whatever bytes it holds, in time that grows with its length. An error means that it
// is no list: a page of HTML, or (automatic) lines that fit no format. A list without entries, and
// one of which nothing can be used, is none: look at the report.
Result<ListReport> read_list(std::string_view text, ListFormat format, const ListBuilders& builders,
                             const ListOptions& options = {});

// "auto", "hosts", "domains", "adblock", "dnsmasq", "addresses".
std::string_view list_format_name(ListFormat format);
std::optional<ListFormat> parse_list_format(std::string_view text);
std::span<const ListFormat> all_list_formats();

std::string_view skip_name(Skip reason);  // one word, for programs: "own-name"
std::string_view skip_text(Skip reason);  // for people: "the host's own name"

}  // namespace doorward
