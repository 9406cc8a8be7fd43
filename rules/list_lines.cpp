// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/list_lines.hpp"

#include <algorithm>

#include "rules/domain_name.hpp"

namespace doorward {
namespace {

// Not find_first_of(): that searches its set anew for each byte, and a list has millions of them.
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::size_t find_blank(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && !is_blank(text[at])) ++at;
    return at;
}

std::size_t find_text(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && is_blank(text[at])) ++at;
    return at;
}

// What lists carry along from the hosts files that they were made of.
bool is_own_name(std::string_view name) {
    static constexpr std::string_view own[] = {
        "localhost",       "localhost.localdomain", "localhost4",    "localhost6",
        "local",           "localdomain",           "broadcasthost", "ip6-localhost",
        "ip6-loopback",    "ip6-localnet",          "ip6-allnodes",  "ip6-allrouters",
        "ip6-mcastprefix", "ip6-allhosts",          "0.0.0.0"};
    return std::ranges::find(own, name) != std::end(own);
}

bool has_other_scripts(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// "203.0.113.7", and "300.1.1.1", which is no address but can't be a name either: no top-level
// domain is a number.
bool ends_in_number(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && text[text.size() - 1 - digits] >= '0' &&
           text[text.size() - 1 - digits] <= '9')
        ++digits;
    return digits > 0 && digits < text.size() && text[text.size() - 1 - digits] == '.';
}

// The first word of a line of a hosts file, "fe80::1%lo0" included.
std::optional<Address> hosts_address(std::string_view word) {
    return Address::parse(word.substr(0, word.find('%')));
}

struct Ends {
    Address first, last;
};

// "a-b", with or without blanks around the hyphen.
std::optional<Ends> parse_range(std::string_view text) {
    const auto hyphen = text.find('-');
    if (hyphen == text.npos) return std::nullopt;
    const auto first = Address::parse(trimmed(text.substr(0, hyphen)));
    const auto last = Address::parse(trimmed(text.substr(hyphen + 1)));
    if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) return std::nullopt;
    return Ends{*first, *last};
}

bool is_prefix_with_host_bits(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos || !Address::parse(text.substr(0, slash))) return false;
    const bool v4 = text.find(':') == text.npos;
    return Prefix::parse((v4 ? "0.0.0.0" : "::") + std::string(text.substr(slash))).has_value();
}

std::string_view without_comment(std::string_view line, char mark) {
    return trimmed(line.substr(0, line.find(mark)));
}

// Without what stands behind a blank and '#': inside of a word that may mean something.
std::string_view without_remark(std::string_view line) {
    for (auto at = line.find('#', 1); at != line.npos; at = line.find('#', at + 1))
        if (is_blank(line[at - 1])) return trimmed(line.substr(0, at));
    return line;
}

constexpr std::string_view dnsmasq_keys[] = {"address=/", "server=/", "local=/"};

std::string_view dnsmasq_key(std::string_view line) {
    for (const std::string_view key : dnsmasq_keys)
        if (line.starts_with(key)) return key;
    return {};
}

}  // namespace

std::string_view cut_line(std::string_view& text) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(find_text(text));
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view cut_word(std::string_view& line) {
    line.remove_prefix(find_text(line));
    const std::string_view word = line.substr(0, find_blank(line));
    line.remove_prefix(word.size());
    return word;
}

bool is_comment(std::string_view line) {
    return line.starts_with('#') || line.starts_with('!') || line.starts_with(';') ||
           (line.starts_with('[') && line.ends_with(']'));
}

std::optional<ListFormat> format_of_line(std::string_view line) {
    if (!dnsmasq_key(line).empty()) return ListFormat::dnsmasq;
    if (line.starts_with("||") || line.starts_with("@@")) return ListFormat::adblock;
    line = without_remark(line);
    if (read_adblock_line(line).skip == Skip::cosmetic) return ListFormat::adblock;
    const std::string_view plain = without_comment(without_comment(line, '#'), ';');
    if (Prefix::parse(plain) || parse_range(plain) || is_prefix_with_host_bits(plain))
        return ListFormat::addresses;
    std::string_view rest = plain;
    std::string_view first = cut_word(rest);
    if (!trimmed(rest).empty()) {
        if (hosts_address(first)) return ListFormat::hosts;
        return std::nullopt;
    }
    if (first.starts_with("*.")) first.remove_prefix(1);
    const bool dotted = first.find('.') != first.npos;
    if (first.starts_with('.')) first.remove_prefix(1);
    if (dotted && (has_other_scripts(first) || normal_host_name(first))) return ListFormat::domains;
    return std::nullopt;
}

void ListLines::read(std::string_view line) {
    report_.lines++;
    line_ = line;
    if (line.size() > options_.longest_line) return skip(Skip::too_long, line);
    line = trimmed(line);
    if (line.empty()) return;
    switch (report_.format) {
        case ListFormat::automatic: return;  // nothing but comments in it
        case ListFormat::hosts: return hosts_line(line);
        case ListFormat::domains: return domains_line(line);
        case ListFormat::adblock: return adblock_line(line);
        case ListFormat::dnsmasq: return dnsmasq_line(line);
        case ListFormat::addresses: return addresses_line(line);
    }
}

void ListLines::hosts_line(std::string_view line) {
    if (line.starts_with('!')) return;
    line = without_comment(line, '#');
    const std::string_view first = cut_word(line);
    if (first.empty()) return;
    const auto address = hosts_address(first);
    if (!address) return skip(Skip::syntax, first);
    const bool blocks = address->is_unspecified() || address->is_loopback();
    bool any = false;
    for (auto name = cut_word(line); !name.empty(); name = cut_word(line)) {
        any = true;
        if (is_own_name(name)) skip(Skip::own_name, name);
        else if (!blocks) skip(Skip::elsewhere, name);
        else domain(name, Covers::itself);
    }
    if (!any) skip(Skip::syntax, first);
}

void ListLines::domains_line(std::string_view line) {
    if (line.starts_with('!') || line.starts_with(';')) return;
    line = without_comment(line, '#');
    std::string_view word = cut_word(line);
    if (word.empty()) return;
    if (!trimmed(line).empty()) return skip(Skip::syntax, word);
    Covers covers = Covers::itself;
    if (word.starts_with("*.")) {
        covers = Covers::below;
        word.remove_prefix(2);
    } else if (word.starts_with('.')) {
        covers = Covers::both;
        word.remove_prefix(1);
    }
    domain(word, covers);
}

void ListLines::adblock_line(std::string_view line) {
    line = without_remark(line);
    const AdblockRule rule = read_adblock_line(line);
    if (rule.comment) return;
    if (rule.skip) return skip(*rule.skip, line);
    if (!rule.plain) return domain(rule.name, rule.covers, rule.listing);
    std::string_view rest = line;
    if (hosts_address(cut_word(rest)) && !trimmed(rest).empty()) return hosts_line(line);
    // One label is a pattern in such lists, not a name.
    if (line.find('.') == line.npos) return skip(Skip::pattern, line);
    domains_line(line);
}

// address=/NAME/…/[ADDRESS], server=/NAME/…/, local=/NAME/…/
void ListLines::dnsmasq_line(std::string_view line) {
    if (line.starts_with('#')) return;
    line = without_remark(line);
    const std::string_view key = dnsmasq_key(line);
    if (key.empty()) return skip(Skip::syntax, line);
    const std::string_view all = line.substr(key.size());
    const auto last = all.rfind('/');
    if (last == all.npos) return skip(Skip::syntax, line);
    const std::string_view target = all.substr(last + 1);
    const auto address = Address::parse(target);
    const bool sink = address && (address->is_unspecified() || address->is_loopback());
    const bool blocks = target.empty() || (key == "address=/" && sink);
    for (std::string_view names = all.substr(0, last + 1); !names.empty();) {
        const std::string_view name = names.substr(0, names.find('/'));
        names.remove_prefix(name.size() + 1);
        if (!blocks) skip(Skip::elsewhere, name);
        else if (name.find('*') != name.npos) skip(Skip::pattern, name);
        else domain(name, Covers::both);
    }
}

void ListLines::addresses_line(std::string_view line) {
    line = without_comment(without_comment(line, '#'), ';');
    if (line.empty()) return;
    prefix(line);
}

void ListLines::domain(std::string_view text, Covers covers, Listing listing) {
    std::array<char, longest_host_name> room;
    const auto name = normal_host_name(text, room);
    if (!name || ends_in_number(text)) {
        if (const auto address = Prefix::parse(text)) {
            if (listing == Listing::excepted) return skip(Skip::wrong_kind, text);
            return add(*address, text);
        }
        if (has_other_scripts(text)) return skip(Skip::not_ascii, text);
        return skip(text.find('/') == text.npos ? Skip::syntax : Skip::path, text);
    }
    if (is_own_name(*name)) return skip(Skip::own_name, text);
    if (!builders_.domains) return skip(Skip::wrong_kind, text);
    if (options_.whole_domains) covers = Covers::both;
    const auto added = builders_.domains->add(*name, covers, listing);
    if (added == DomainSetBuilder::Added::refused) return skip(Skip::full, text);
    if (added == DomainSetBuilder::Added::merged) report_.repeated++;
    (listing == Listing::excepted ? report_.exceptions : report_.names)++;
}

void ListLines::prefix(std::string_view text) {
    if (const auto parsed = Prefix::parse(text)) return add(*parsed, text);
    if (const auto ends = parse_range(text)) return add(ends->first, ends->last, text);
    skip(is_prefix_with_host_bits(text) ? Skip::host_bits : Skip::syntax, text);
}

void ListLines::add(const Prefix& prefix, std::string_view text) {
    if (!builders_.prefixes) return skip(Skip::wrong_kind, text);
    if (!builders_.prefixes->add(prefix)) return skip(Skip::full, text);
    report_.prefixes++;
}

void ListLines::add(const Address& first, const Address& last, std::string_view text) {
    if (!builders_.prefixes) return skip(Skip::wrong_kind, text);
    if (!builders_.prefixes->add(first, last)) return skip(Skip::full, text);
    report_.prefixes++;
}

void ListLines::skip(Skip reason, std::string_view text) {
    const std::size_t before = report_.skipped[static_cast<std::size_t>(reason)]++;
    if (before >= examples_each) return;
    const auto column = static_cast<std::size_t>(text.data() - line_.data()) + 1;
    report_.examples.push_back(
        {reason, report_.lines, column, std::string(text.substr(0, example_bytes))});
}

}  // namespace doorward
