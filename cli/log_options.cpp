// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/log_options.hpp"

#include <charconv>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include "cli/log_time.hpp"

namespace doorward {
namespace {

template <class T>
std::optional<T> parse_number(const std::string& text) {
    T value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

std::unexpected<Error> bad(const char* option, Error error) {
    error.what = fmt::format("{}: {}", option, error.what);
    return std::unexpected(std::move(error));
}

// Each reads one option into its field of the filter; nothing happens where it was not given.

template <class T>
Result<void> read(const std::string& text, const char* option,
                  Result<T> (*parse)(const std::string&), std::optional<T>& field) {
    if (text.empty()) return {};
    auto value = parse(text);
    if (!value) return bad(option, value.error());
    field = std::move(*value);
    return {};
}

template <class T>
Result<void> read_number(const std::string& text, const char* option, std::optional<T>& field) {
    if (text.empty()) return {};
    field = parse_number<T>(text);
    if (field) return {};
    return fail(fmt::format("{}: \"{}\" is no number from 0 to {}", option, text,
                            std::numeric_limits<T>::max()));
}

Result<void> read_time(const std::string& text, const char* option, std::int64_t now_us,
                       std::optional<std::int64_t>& field) {
    if (text.empty()) return {};
    const auto time = parse_log_time(text, now_us);
    if (!time) return bad(option, time.error());
    field = *time;
    return {};
}

Result<void> read_verdicts(const LogOptions& options, AuditFilter& filter) {
    for (const std::string& text : options.verdicts) {
        const auto verdict = parse_action(text);
        if (!verdict)
            return fail("--verdict: \"" + text + "\" is none", "use accept, drop or reject");
        filter.verdicts.push_back(*verdict);
    }
    filter.denied = options.denied;
    return {};
}

Result<void> read_injected(const std::string& text, std::optional<std::uint8_t>& field) {
    if (text.empty()) return {};
    field = parse_injection(text);
    if (field) return {};
    return fail("--injected: \"" + text + "\" is none", "use preload, library-path, tracer, filter or any");
}

void add_link_target(AppFilter& app) {
    auto* paths = std::get_if<AppFilter::Paths>(&app.what);
    if (paths == nullptr) return;
    std::error_code error;
    const std::string target = std::filesystem::canonical(paths->paths.front(), error);
    if (!error && target != paths->paths.front()) paths->paths.push_back(target);
}

}  // namespace

Result<std::int64_t> parse_limit(const std::string& text) {
    std::optional<std::uint32_t> limit;
    if (auto done = read_number(text, "--limit", limit); !done)
        return std::unexpected(done.error());
    return limit.value_or(0) == 0 ? std::numeric_limits<std::int64_t>::max() : std::int64_t{*limit};
}

Result<AuditFilter> make_filter(const LogOptions& options, std::int64_t now_us) {
    AuditFilter filter;
    if (auto done = read(options.app, "--app", AppFilter::parse, filter.app); !done)
        return std::unexpected(done.error());
    if (filter.app) add_link_target(*filter.app);
    if (!options.rule.empty()) filter.rule = options.rule;
    if (!options.user.empty()) {
        filter.uid = parse_number<std::uint32_t>(options.user);
        if (!filter.uid) filter.user = options.user;
    }
    // Evaluated one after the other up to the first that fails.
    Result<void> done = read_verdicts(options, filter);
    if (done) done = read(options.to, "--to", EndFilter::parse, filter.to);
    if (done) done = read(options.from, "--from", EndFilter::parse, filter.from);
    if (done) done = read(options.unit, "--unit", TextFilter::parse, filter.unit);
    if (done) done = read(options.container, "--container", TextFilter::parse, filter.container);
    if (done) done = read(options.script, "--script", TextFilter::parse, filter.script);
    if (done) done = read_injected(options.injected, filter.injected);
    if (done) done = read_number(options.port, "--port", filter.port);
    if (done) done = read_number(options.pid, "--pid", filter.pid);
    if (done) done = read_time(options.since, "--since", now_us, filter.since_us);
    if (done) done = read_time(options.until, "--until", now_us, filter.until_us);
    if (!done) return std::unexpected(done.error());
    return filter;
}

}  // namespace doorward
