// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/list_state.hpp"

namespace doorward {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t longest_text = 4096;

void take(const Json& object, const char* key, std::string& field) {
    const auto found = object.find(key);
    if (found != object.end() && found->is_string())
        field = found->get<std::string>().substr(0, longest_text);
}

template <class Number>
void take(const Json& object, const char* key, Number& field) {
    constexpr auto most = std::uint64_t{1} << 53;  // sums and differences of such fit
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return;
    const auto number = found->get<std::uint64_t>();
    if (number <= most) field = static_cast<Number>(number);
}

ListReport report_from(const Json& object) {
    ListReport report;
    std::string format;
    take(object, "format", format);
    report.format = parse_list_format(format).value_or(ListFormat::automatic);
    take(object, "lines", report.lines);
    take(object, "names", report.names);
    take(object, "exceptions", report.exceptions);
    take(object, "prefixes", report.prefixes);
    take(object, "repeated", report.repeated);
    const auto skipped = object.find("skipped");
    if (skipped == object.end() || !skipped->is_object()) return report;
    for (std::size_t i = 0; i < skip_kinds; ++i)
        take(*skipped, std::string(skip_name(static_cast<Skip>(i))).c_str(), report.skipped[i]);
    return report;
}

}  // namespace

Json to_json(const ListState& state) {
    Json skipped = Json::object();
    for (std::size_t i = 0; i < skip_kinds; ++i)
        if (state.report.skipped[i] > 0)
            skipped[std::string(skip_name(static_cast<Skip>(i)))] = state.report.skipped[i];
    return {{"source", state.source},
            {"format", list_format_name(state.report.format)},
            {"bytes", state.bytes},
            {"lines", state.report.lines},
            {"names", state.report.names},
            {"exceptions", state.report.exceptions},
            {"prefixes", state.report.prefixes},
            {"repeated", state.report.repeated},
            {"skipped", skipped},
            {"attempted", state.attempted},
            {"checked", state.checked},
            {"changed", state.changed},
            {"etag", state.etag},
            {"last_modified", state.last_modified},
            {"error", state.error}};
}

ListState list_state_from(std::string_view json) {
    const Json object = Json::parse(json, nullptr, /*allow_exceptions=*/false);
    ListState state;
    if (!object.is_object()) return state;
    take(object, "source", state.source);
    take(object, "etag", state.etag);
    take(object, "last_modified", state.last_modified);
    take(object, "attempted", state.attempted);
    take(object, "checked", state.checked);
    take(object, "changed", state.changed);
    take(object, "bytes", state.bytes);
    take(object, "error", state.error);
    state.report = report_from(object);
    return state;
}

bool is_due(const ListState& state, std::uint32_t refresh_hours, std::int64_t now) {
    constexpr std::int64_t hour = 3600, early = 600;
    if (!state.error.empty() || state.checked > now) return true;
    return state.checked + refresh_hours * hour <= now + early;
}

}  // namespace doorward
