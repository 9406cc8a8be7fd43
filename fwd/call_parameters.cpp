// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/call_parameters.hpp"

#include <algorithm>

namespace doorward {

const nlohmann::json* CallParameters::take(const std::string& name) {
    taken_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void CallParameters::refuse(const std::string& name) {
    if (wrong_.empty()) wrong_ = name;
}

std::string CallParameters::text(const std::string& name) {
    auto value = optional_text(name);
    if (!value) refuse(name);
    return value.value_or("");
}

bool CallParameters::flag(const std::string& name) {
    const auto* value = take(name);
    if (value && value->is_boolean()) return value->get<bool>();
    refuse(name);
    return false;
}

nlohmann::json CallParameters::object(const std::string& name) {
    const auto* value = take(name);
    if (value && value->is_object()) return *value;
    refuse(name);
    return nlohmann::json::object();
}

nlohmann::json CallParameters::optional_object(const std::string& name) {
    const auto* value = take(name);
    if (!value) return nullptr;
    if (value->is_object()) return *value;
    refuse(name);
    return nullptr;
}

std::string CallParameters::one_of(const std::string& name,
                                   std::initializer_list<std::string_view> allowed) {
    std::string value = text(name);
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
    refuse(name);
    return {};
}

std::optional<std::string> CallParameters::optional_text(const std::string& name) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    refuse(name);
    return std::nullopt;
}

std::optional<std::int64_t> CallParameters::optional_integer(const std::string& name,
                                                             std::int64_t min, std::int64_t max) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    // An unsigned number above the signed range would turn negative when read as a signed one.
    const bool fits = value->is_number_integer() &&
                      !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
    if (fits) {
        const auto number = value->get<std::int64_t>();
        if (number >= min && number <= max) return number;
    }
    refuse(name);
    return std::nullopt;
}

bool CallParameters::complete() {
    for (const auto& [name, value] : object_.items())
        if (!taken_.contains(name)) refuse(name);
    return wrong_.empty();
}

}  // namespace doorward
