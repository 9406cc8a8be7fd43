// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_filter.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fwd/audit_text.hpp"

namespace doorward {
namespace {

constexpr const char* glob_type = "doorward-glob";

void app_glob(sqlite3_context* context, int, sqlite3_value** arguments) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(arguments[0]));
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(arguments[0]));
    const auto* glob = static_cast<const Glob*>(sqlite3_value_pointer(arguments[1], glob_type));
    const bool matches = bytes != nullptr && glob != nullptr &&
                         glob->matches(unescape_text(std::string_view(bytes, size)));
    sqlite3_result_int(context, matches ? 1 : 0);
}

std::string question_marks(std::size_t count) {
    return fmt::format("({})", fmt::join(std::vector<char>(count, '?'), ","));
}

Address last_of(const Prefix& prefix) {
    Address last = prefix.base;
    for (std::size_t bit = prefix.length; bit < 128; ++bit)
        last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80u >> bit % 8);
    return last;
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

// Digits and dots alone are an address that went wrong, not a name.
bool is_host_name(const std::string& text) {
    return !text.empty() && text.size() <= 253 && text.front() != '.' &&
           std::ranges::all_of(text, is_host_char) &&
           text.find_first_not_of("0123456789.") != std::string::npos;
}

Result<AppFilter> parse_not_known(const std::string& text) {
    if (text == "unknown") return AppFilter{AppFilter::NotKnown{}};
    const auto reason = parse_unknown(text.substr(text.find(':') + 1));
    if (!reason || *reason == Unknown::none)
        return fail("\"" + text + "\" names no reason for which a process can be unknown",
                    "use no-binding, no-listener, kernel, process-lost, path-unreadable or "
                    "bad-packet, ambiguous, or unknown alone for all of them");
    return AppFilter{AppFilter::NotKnown{reason}};
}

}  // namespace

Result<AppFilter> AppFilter::parse(const std::string& text) {
    if (text == "unknown" || text.starts_with("unknown:")) return parse_not_known(text);
    if (text.empty()) return fail("no program is named", "name one, such as curl or /usr/bin/curl");
    const bool whole = is_whole_path(text);
    if (Glob::is_pattern(text)) {
        auto glob = Glob::parse(whole ? text : "/**/" + text);
        if (!glob)
            return fail("pattern \"" + text + "\": " + glob.error().what, glob.error().remedy);
        return AppFilter{std::move(*glob)};
    }
    if (whole) return AppFilter{Paths{{text}}};
    if (text.find('/') != std::string::npos)
        return fail("\"" + text + "\" is neither a name nor a whole path",
                    "start it with a slash, or write **/" + text);
    return AppFilter{Name{text}};
}

Result<TextFilter> TextFilter::parse(const std::string& text) {
    if (text.find_first_of("*?[") == std::string::npos) return TextFilter{text};
    auto glob = Glob::parse(text);
    if (!glob) return fail("pattern \"" + text + "\": " + glob.error().what, glob.error().remedy);
    return TextFilter{std::move(*glob)};
}

Result<EndFilter> EndFilter::parse(const std::string& text) {
    if (const auto prefix = Prefix::parse(text)) return EndFilter{*prefix};
    if (is_host_name(text)) return EndFilter{lower(text)};
    return fail("\"" + text + "\" is no address, prefix or host name",
                "write 203.0.113.7, 203.0.113.0/24 (no bits beyond the length), 2001:db8::/32 or "
                "example.org");
}

Result<void> register_app_glob(sqlite3* database) {
    const int code =
        sqlite3_create_function_v2(database, "app_glob", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   nullptr, app_glob, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return std::unexpected(sqlite::error_of(database, "prepare the search"));
    return {};
}

AuditConditions::AuditConditions(const AuditFilter& filter) {
    if (filter.app) add_app(*filter.app);
    if (!filter.verdicts.empty()) {
        std::vector<Value> names;
        for (const Action verdict : filter.verdicts)
            names.emplace_back(std::string(action_name(verdict)));
        const std::string marks = question_marks(names.size());
        add("verdict IN " + marks, std::move(names));
    }
    // In these very words, or the partial index is not used.
    if (filter.denied) add("decision <> 'accept'", {});
    if (filter.since_us) add("time_us >= ?", {*filter.since_us});
    if (filter.until_us) add("time_us < ?", {*filter.until_us});
    if (filter.to) add_end(*filter.to, "destination_ip", "out");
    if (filter.from) add_end(*filter.from, "source_ip", "in");
    if (filter.port) add("destination_port = ?", {std::int64_t{*filter.port}});
    if (filter.uid) add("uid = ?", {std::int64_t{*filter.uid}});
    if (filter.user) add("user = ?", {escape_text(*filter.user)});
    if (filter.rule) add("rule = ?", {escape_text(*filter.rule)});
    if (filter.unit) add_text(*filter.unit, "unit");
    if (filter.container) add_text(*filter.container, "container");
    if (filter.script) add_text(*filter.script, "script");
    if (filter.injected) add_injected(*filter.injected);
    if (filter.pid) add("pid = ?", {std::int64_t{*filter.pid}});
}

void AuditConditions::add(const std::string& condition, std::vector<Value> values) {
    sql_ += " AND " + condition;
    std::ranges::move(values, std::back_inserter(values_));
}

void AuditConditions::add_text(const TextFilter& filter, const std::string& column) {
    if (const auto* glob = std::get_if<Glob>(&filter.what)) add("app_glob(" + column + ", ?)", {glob});
    else add(column + " = ?", {escape_text(std::get<std::string>(filter.what))});
}

// With commas around the words, none is part of another.
void AuditConditions::add_injected(std::uint8_t bits) {
    std::string any;
    std::vector<Value> words;
    for (unsigned bit = 1; bit <= Injections::all; bit <<= 1) {
        if (!(bits & bit)) continue;
        any += any.empty() ? "" : " OR ";
        any += "instr(',' || injected || ',', ?)";
        words.emplace_back("," + to_text(Injections{static_cast<std::uint8_t>(bit), 0}) + ",");
    }
    add("(" + any + ")", std::move(words));
}

void AuditConditions::add_app(const AppFilter& filter) {
    if (const auto* paths = std::get_if<AppFilter::Paths>(&filter.what)) {
        std::vector<Value> twice;
        for (int i = 0; i < 2; ++i)
            for (const std::string& path : paths->paths) twice.emplace_back(escape_text(path));
        const std::string marks = question_marks(paths->paths.size());
        // In these very words, or the partial index is not used.
        add("(exe IN " + marks + " OR appimage <> '' AND appimage IN " + marks + ")",
            std::move(twice));
    } else if (const auto* glob = std::get_if<Glob>(&filter.what)) {
        add("(app_glob(exe, ?) OR appimage <> '' AND app_glob(appimage, ?))", {glob, glob});
    } else if (const auto* name = std::get_if<AppFilter::Name>(&filter.what)) {
        const std::string end = "/" + escape_text(name->name);
        add("(substr(exe, -length(?)) = ? OR substr(appimage, -length(?)) = ?)", {end, end, end, end});
    } else if (const auto* unknown = std::get_if<AppFilter::NotKnown>(&filter.what)) {
        if (unknown->reason) add("unknown = ?", {std::string(unknown_name(*unknown->reason))});
        else add("unknown <> ''", {});
    }
}

// `host` is the remote's name: the destination of flows that go out, the source of those coming in.
void AuditConditions::add_end(const EndFilter& filter, const std::string& end,
                              const std::string& direction) {
    if (const auto* prefix = std::get_if<Prefix>(&filter.what)) {
        if (prefix->length == 128) return add(end + " = ?", {prefix->base});
        return add(end + " BETWEEN ? AND ?", {prefix->base, last_of(*prefix)});
    }
    const std::string name = std::get<std::string>(filter.what);
    const std::string below = "." + name;
    add("direction = ? AND (lower(host) = ? OR substr(lower(host), -length(?)) = ?)",
        {direction, name, below, below});
}

int AuditConditions::bind(sqlite::Statement& statement, int first) const {
    for (const Value& value : values_) {
        if (const auto* number = std::get_if<std::int64_t>(&value))
            statement.number(first, *number);
        else if (const auto* text = std::get_if<std::string>(&value)) statement.text(first, *text);
        else if (const auto* address = std::get_if<Address>(&value))
            statement.blob(first, address->bytes);
        else statement.pointer(first, std::get<const Glob*>(value), glob_type);
        ++first;
    }
    return first;
}

}  // namespace doorward
