// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/opensnitch_lists.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "rules/domain_name.hpp"
#include "rules/list_format.hpp"
#include "rules/list_lines.hpp"

namespace doorward {

namespace {

constexpr HashKey no_key{};  // the sets are looked at here and thrown away

std::unexpected<Error> differs(const ImportFile& file, std::size_t line, std::string_view text) {
    return fail(fmt::format("the list has \"{}\", which is read differently here", text.substr(0, 80)),
                "write it as the other lines are, or write the rule by hand",
                {file.path, static_cast<int>(line), line == 0 ? 0 : 1});
}

// What OpenSnitch takes from a line of a hosts file: it cuts at fixed columns.
std::string_view listed_host(std::string_view line) {
    constexpr std::array<std::string_view, 4> own{"local", "localhost", "localhost.localdomain",
                                                  "broadcasthost"};
    if (line.size() < 9) return {};
    const bool loopback = line.starts_with("127.0.0.1");
    if (!loopback && !line.starts_with("0.0.0.0")) return {};
    const std::string_view host = line.substr(std::min<std::size_t>(loopback ? 10 : 8, line.size()));
    return std::ranges::find(own, host) != own.end() ? std::string_view() : trimmed(host);
}

// A name that an address can have: no other is ever looked up in the list.
bool is_host(std::string_view name) {
    if (normal_host_name(name) != name) return false;
    const auto label = name.substr(name.rfind('.') + 1);
    return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::size_t> hosts_read_alike(const ImportFile& file) {
    std::unordered_set<std::string_view> theirs;
    for (std::string_view rest = file.text; !rest.empty();) {
        const std::string_view host = listed_host(cut_line(rest));
        if (is_host(host)) theirs.insert(host);
    }
    DomainSetBuilder builder(no_key);
    const auto report = read_list(file.text, ListFormat::automatic, {&builder, nullptr});
    if (!report) {
        if (theirs.empty()) return 0;
        return differs(file, 0, *theirs.begin());
    }
    const DomainSet ours = std::move(builder).finish();
    std::optional<std::string> other;
    ours.each([&](std::string_view name, Covers covers, Listing listing) {
        const bool same = covers == Covers::itself && listing == Listing::listed && theirs.contains(name);
        if (!same && !other) other = std::string(name);
    });
    for (const std::string_view name : theirs)
        if (!other && !ours.contains(name)) other = std::string(name);
    if (other) return differs(file, 0, *other);
    return theirs.size();
}

bool is_canonical(std::string_view text, bool network) {
    if (text.find(':') != text.npos && text.find('.') != text.npos) return false;
    if (!network) {
        const auto address = Address::parse(text);
        return address && address->to_string() == text;
    }
    return text.find('/') != text.npos && Prefix::parse(text).has_value();
}

Result<std::size_t> addresses_read_alike(const ImportFile& file, bool networks) {
    std::size_t lines = 0, entries = 0;
    for (std::string_view rest = file.text; !rest.empty();) {
        const std::string_view line = trimmed(cut_line(rest));
        ++lines;
        if (line.empty() || line.starts_with('#')) continue;
        if (!is_canonical(line, networks)) return differs(file, lines, line);
        ++entries;
    }
    if (entries == 0) return 0;
    PrefixSetBuilder builder;
    const auto report = read_list(file.text, ListFormat::automatic, {nullptr, &builder});
    if (!report || report->prefixes != entries || report->skipped_in_all() != 0)
        return differs(file, 0, "lines");
    return entries;
}

}  // namespace

Result<std::size_t> entries_read_alike(const ImportFile& file, SetKind kind, bool networks) {
    return kind == SetKind::domains ? hosts_read_alike(file) : addresses_read_alike(file, networks);
}

Result<std::string> OpenSnitchLists::set_of(SetKind kind, bool networks, const std::string& folder) {
    const std::pair key(folder, static_cast<int>(kind) * 2 + (networks ? 1 : 0));
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    return known_.emplace(key, make(kind, networks, folder)).first->second;
}

Result<std::string> OpenSnitchLists::make(SetKind kind, bool networks, const std::string& folder) {
    if (!folder.starts_with('/')) return fail("the folder of lists is no absolute path");
    if (!environment_.read_lists) return fail("lists are not read here");
    const auto files = environment_.read_lists(folder);
    if (!files) return std::unexpected(files.error());
    SetDefinition set;
    set.kind = kind;
    for (const ImportFile& file : *files) {
        const auto entries = entries_read_alike(file, kind, networks);
        if (!entries) return std::unexpected(entries.error());
        if (*entries == 0) continue;
        if (environment_.check_list)
            if (auto usable = environment_.check_list(file.path, kind); !usable)
                return std::unexpected(usable.error());
        set.values.push_back({"file:" + file.path});
    }
    if (set.values.empty())
        return fail("there is nothing in the lists of " + folder, "take the rule out, or fill them");
    const auto end = folder.find_last_not_of('/');
    const auto slash = folder.rfind('/', end);
    set.name = names_.unique(name_from("opensnitch-" + folder.substr(slash + 1, end - slash), true));
    sets_.push_back(set);
    return std::string(set_prefix) + set.name;
}

}  // namespace doorward
