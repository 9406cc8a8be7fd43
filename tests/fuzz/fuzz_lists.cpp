// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a blocklist of each format, and as the state of one. What the report says is held against what came into the
// sets, and the sets against a look at every entry.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "fwd/list_state.hpp"
#include "rules/domain_name.hpp"
#include "rules/list_format.hpp"

using namespace doorward;

namespace {

constexpr std::size_t most_names = 50, most_prefixes = 50;

struct Entry {
    std::string name;
    Covers covers;
    Listing listing;
};

bool naive_contains(const std::vector<Entry>& entries, std::string_view name) {
    bool found[3] = {};
    for (const Entry& entry : entries) {
        const auto covers = static_cast<unsigned>(entry.covers);
        const bool speaks = name == entry.name
                                ? (covers & static_cast<unsigned>(Covers::itself)) != 0
                                : (covers & static_cast<unsigned>(Covers::below)) != 0 &&
                                      name.ends_with("." + entry.name);
        if (speaks) found[static_cast<std::size_t>(entry.listing)] = true;
    }
    return found[2] || (found[0] && !found[1]);
}

void check_names(const DomainSet& set) {
    std::vector<Entry> entries;
    set.each([&](std::string_view name, Covers covers, Listing listing) {
        require(normal_host_name(name) == name);
        entries.push_back({std::string(name), covers, listing});
    });
    require(entries.size() >= set.size() && set.size() <= most_names);
    for (const Entry& entry : entries)
        for (const std::string& name : {entry.name, "x." + entry.name, "x" + entry.name,
                                        entry.name.substr(entry.name.find('.') + 1)})
            require(set.contains(name) == naive_contains(entries, name));
}

void check_addresses(const PrefixSet& set) {
    const auto& v4 = set.v4();
    require(v4.size() + set.v6().size() <= most_prefixes);
    for (std::size_t i = 0; i < v4.size(); ++i) {
        require(v4[i].first <= v4[i].last);
        require(i == 0 || (v4[i - 1].last < v4[i].first && v4[i].first - v4[i - 1].last > 1));
    }
    for (const auto& range : set.v6()) require(range.first <= range.last);
}

void check_report(const ListReport& report, std::string_view text, std::size_t names) {
    require(report.names + report.exceptions == names + report.repeated);
    require(report.lines <= text.size());
    require(report.examples.size() <= 3 * skip_kinds);
    require(report.examples.size() <= report.skipped_in_all());
    for (const SkipExample& example : report.examples) {
        require(example.line >= 1 && example.line <= report.lines);
        require(example.column >= 1 && example.column <= text.size() + 1);
        require(example.text.size() <= 80 && text.find(example.text) != text.npos);
    }
}

// The file of a state, which another user writes.
void check_state(std::string_view text) {
    const ListState state = list_state_from(text);
    for (const std::int64_t time : {state.attempted, state.checked, state.changed})
        require(time >= 0 && time <= std::int64_t{1} << 53);
    (void)is_due(state, 0xffffffff, 0);
    using Json = nlohmann::ordered_json;
    const auto written = to_json(state).dump(-1, ' ', true, Json::error_handler_t::replace);
    require(list_state_from(written).report.entries() == state.report.entries());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_state(text);
    for (const ListFormat format : all_list_formats()) {
        DomainSetBuilder names({size, 7}, {.names = most_names});
        PrefixSetBuilder addresses(most_prefixes);
        const auto report = read_list(text, format, {&names, &addresses},
                                      {.whole_domains = size % 2 == 1, .longest_line = 200});
        if (!report) {
            require(!report.error().remedy.empty() && names.size() + addresses.size() == 0);
            continue;
        }
        require(format == ListFormat::automatic || report->format == format);
        require(report->prefixes == addresses.size());
        check_report(*report, text, names.size());
        check_names(std::move(names).finish());
        check_addresses(std::move(addresses).finish());
    }
    return 0;
}
