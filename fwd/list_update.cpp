// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/list_update.hpp"

#include <fmt/format.h>

#include "fwd/hash_key.hpp"
#include "fwd/list_fetch.hpp"

namespace doorward {
namespace {

Result<Fetched> get(const ListSource& list, const std::string& proxy, const ListState& copy) {
    if (list.url.empty()) {
        auto text = read_list_file(list.file, list.max_bytes);
        if (!text) return std::unexpected(text.error());
        return Fetched{.body = *std::move(text)};
    }
    return fetch({.url = list.url,
                  .ca_file = list.ca_file,
                  .proxy = proxy,
                  .max_bytes = list.max_bytes,
                  .timeout_seconds = list.timeout_seconds,
                  .etag = copy.etag,
                  .last_modified = copy.last_modified});
}

// Reads it as whoever uses it will, and throws the sets away.
Result<ListReport> read_through(std::string_view text, ListFormat format) {
    const auto key = random_hash_key();
    if (!key) return std::unexpected(key.error());
    DomainSetBuilder names(*key);
    PrefixSetBuilder prefixes;
    auto report = read_list(text, format, {&names, &prefixes});
    if (report) report->examples.clear();
    return report;
}

// What is known once the new copy is in its place.
Result<UpdatedList> take_in(const ListFolder& folder, const ListSource& list, ListState state,
                            Fetched fetched, std::int64_t now) {
    auto report = read_through(fetched.body, list.format);
    if (!report) return std::unexpected(report.error());
    const std::size_t before = state.has_copy() ? state.report.entries() : 0;
    if (auto good = may_replace(*report, before, list.shrink); !good)
        return std::unexpected(good.error());
    // A file that is not written anew need not be read anew by those who watch it.
    const std::string path = folder.path() + "/" + list.name;
    const auto old = read_list_file(path, list.max_bytes);
    const bool same = state.has_copy() && old && *old == fetched.body;
    if (!same) {
        if (auto written = folder.write_list(list.name, fetched.body); !written)
            return std::unexpected(written.error());
        state.changed = now;
    }
    state.bytes = fetched.body.size();
    state.etag = std::move(fetched.etag);
    state.last_modified = std::move(fetched.last_modified);
    state.report = *std::move(report);
    return UpdatedList{std::move(state), !same};
}

// What is known of the copy; nothing if the copy is not there any more.
ListState known(const ListFolder& folder, const ListSource& list) {
    ListState state = read_list_state(folder.path(), list.name, list.source());
    const std::string path = folder.path() + "/" + list.name;
    const bool same_format =
        list.format == ListFormat::automatic || list.format == state.report.format;
    if (::access(path.c_str(), R_OK) == 0 && same_format) return state;
    ListState nothing;
    nothing.source = list.source();
    return nothing;
}

}  // namespace

Result<void> may_replace(const ListReport& report, std::size_t before, Shrink shrink) {
    if (shrink == Shrink::allow) return {};
    if (report.entries() == 0)
        return fail(fmt::format("nothing in its {} lines can be used", report.lines),
                    "look at it with: doorward lists check");
    if (report.entries() * 2 >= before) return {};
    return fail(fmt::format("it has {} entries, and had {}", report.entries(), before),
                "say shrink: allow if that is right; the last good copy stays");
}

Result<UpdatedList> update_list(const ListFolder& folder, const ListSource& list,
                                const std::string& proxy, std::int64_t now) {
    ListState before = known(folder, list);
    before.attempted = now;
    auto fetched = get(list, proxy, before);
    Result<UpdatedList> updated = UpdatedList{before};
    if (!fetched) updated = std::unexpected(fetched.error());
    else if (!fetched->not_modified) updated = take_in(folder, list, before, *std::move(fetched), now);
    if (updated) {
        updated->state.checked = now;
        updated->state.error.clear();
    } else {
        before.error = updated.error().text();
        updated = UpdatedList{std::move(before)};
    }
    if (auto written = folder.write_state(list.name, updated->state); !written)
        return std::unexpected(written.error());
    return updated;
}

}  // namespace doorward
